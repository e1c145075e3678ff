/* The dial protocol of one contact: several workers, a crash at any step, messages repeated and
 * lost, answers and callbacks lost, repeated and late.
 *
 * Checked in every reachable state:
 *   I2  at most one call of the contact is live
 *   I3  an attempt is sent at most once, and only after its intent is written; never more than
 *       ATTEMPTS of them
 *   I7  once the faults are used up, the contact is final
 *
 * Each wrong design below must be refuted: -DRECORD_AFTER_POST, -DTAKEOVER, -DNO_SEND_WINDOW.
 *
 * What is assumed of time, as the model has no clock:
 *   - the check of the send window and the sending are one step;
 *   - a quarantine outlasts the send window, the request and the longest possible call.
 */

#ifndef WORKERS
#define WORKERS 3
#endif
#define ATTEMPTS 2  /* most attempts of the contact */
#define CRASHES 2   /* kill -9 of a worker, at any step */
#define LAPSES 1    /* leases of a release that run out although its message is still on its way */
#define COPIES 2    /* messages delivered once more, even long after */

mtype = { waiting, released, dialing, unresolved, final }        /* the contact */
mtype = { none, placing, placed, unknown, settled }              /* an attempt */

mtype contact = waiting
byte token        /* of the latest release */
bool queued       /* its message waits in the queue */
byte carriers     /* workers that took its message and have not come to the gate */
byte made         /* attempts so far */

mtype attempt[ATTEMPTS + 1] = none
bool sendable[ATTEMPTS + 1]    /* the send window is open */
bool under_way[ATTEMPTS + 1]   /* the request was sent and is not answered */
bool live[ATTEMPTS + 1]        /* its call is live, */
bool over[ATTEMPTS + 1]        /* or has been */
byte posts[ATTEMPTS + 1]
byte callbacks[ATTEMPTS + 1]   /* stored, to be settled */

byte crashes = CRASHES
byte lapses = LAPSES
byte copies = COPIES
byte lives      /* calls live now */

#define IS_OPEN(a) (attempt[a] == placing || attempt[a] == placed || attempt[a] == unknown)

/* record.lua: nothing changes a settled attempt */
inline settle(a) {
  if
  :: IS_OPEN(a) ->
    attempt[a] = settled
    if
    :: made < ATTEMPTS -> contact = waiting
    :: over[a] -> contact = final    /* the outcome wants no other attempt */
    :: made == ATTEMPTS -> contact = final
    fi
  :: else -> skip
  fi
}

proctype Worker() {
  byte a, t
idle:
  atomic { a = 0; t = 0 }
end:
  if
  :: atomic { queued -> queued = false; t = token; carriers++ }
  :: atomic {
      copies > 0 && token > 0 -> copies--
      select(t : 1 .. token)
      carriers = carriers + (t == token)
    }
  fi

  if
  :: atomic { crashes > 0 -> crashes--; carriers = carriers - (t == token); goto idle }
  :: skip
  fi

  /* gate.lua */
  atomic {
    carriers = carriers - (t == token)
    if
    :: contact == released && t == token && made < ATTEMPTS ->
#ifdef RECORD_AFTER_POST
      a = made + 1
#else
      made++
      a = made
      attempt[a] = placing
      contact = dialing
#endif
      sendable[a] = true
    :: else -> goto idle
    fi
  }

  if
  :: atomic { crashes > 0 -> crashes--; goto idle }
  :: skip
  fi

  atomic {
    if
#ifdef NO_SEND_WINDOW
    :: true ->
#else
    :: sendable[a] ->
#endif
      sendable[a] = false
      posts[a]++
#ifndef RECORD_AFTER_POST
      assert(posts[a] == 1)          /* I3 */
      assert(attempt[a] != none)     /* I3 */
#endif
      under_way[a] = true
#ifndef NO_SEND_WINDOW
    :: else ->
      settle(a)                      /* surely not sent */
      goto idle
#endif
    fi
  }

  if
  :: atomic { crashes > 0 -> crashes--; goto idle }
  :: atomic {
      !under_way[a] ->               /* the answer came */
#ifdef RECORD_AFTER_POST
      made = a
      contact = dialing
      attempt[a] = placing
#endif
      if
      :: (live[a] || over[a]) && (attempt[a] == placing || attempt[a] == unknown) ->
        attempt[a] = placed
        contact = dialing
      :: !live[a] && !over[a] -> settle(a)
      :: else -> skip                /* the callback was faster */
      fi
    }
  :: atomic {                        /* it did not come, or nobody can read it */
#ifdef RECORD_AFTER_POST
      made = a
      contact = dialing
      attempt[a] = placing
#endif
      if
      :: attempt[a] == placing -> attempt[a] = unknown; contact = unresolved
      :: else -> skip
      fi
    }
  fi
  goto idle
}

/* Releases, and takes releases back whose lease ran out: no call exists yet. */
active proctype Feeder() {
end:
  do
  :: atomic { contact == waiting && made < ATTEMPTS -> contact = released; token++; queued = true; carriers = 0 }
  :: atomic { contact == released && !queued && carriers == 0 -> contact = waiting }
  :: atomic { contact == released && lapses > 0 -> lapses--; queued = false; contact = waiting }
#ifdef TAKEOVER
  :: atomic { contact == dialing && lapses > 0 -> lapses--; contact = waiting }
#endif
  od
}

/* The provider: it places a call or none, and tells of its end never, once or twice. */
active proctype Provider() {
  byte a
end:
  do
  :: atomic {
      under_way[1] || under_way[ATTEMPTS] ->
      if
      :: under_way[1] -> a = 1
      :: under_way[ATTEMPTS] -> a = ATTEMPTS
      fi
      under_way[a] = false
      if
      :: live[a] = true; lives++; assert(lives <= 1)   /* I2 */
      :: skip
      fi
    }
  :: atomic {
      live[1] || live[ATTEMPTS] ->
      if
      :: live[1] -> a = 1
      :: live[ATTEMPTS] -> a = ATTEMPTS
      fi
      live[a] = false
      over[a] = true
      lives--
      if
      :: callbacks[a] = 0
      :: callbacks[a] = 1
      :: callbacks[a] = 2
      fi
    }
  od
}

/* Send windows close. */
active proctype Clock() {
end:
  do
  :: atomic { sendable[1] -> sendable[1] = false }
  :: atomic { sendable[ATTEMPTS] -> sendable[ATTEMPTS] = false }
  od
}

/* Results: stored callbacks, whenever it gets to them. */
active proctype Results() {
  byte a
end:
  do
  :: atomic {
      callbacks[1] > 0 || callbacks[ATTEMPTS] > 0 ->
      if
      :: callbacks[1] > 0 -> a = 1
      :: callbacks[ATTEMPTS] > 0 -> a = ATTEMPTS
      fi
      callbacks[a]--
      settle(a)
    }
  od
}

/* The sweeper, one look at one attempt: only what is found ends a quarantine early. */
#define LOOK(a) \
  :: atomic { attempt[a] == placing && !sendable[a] -> attempt[a] = unknown; contact = unresolved } \
  :: atomic { (attempt[a] == placed || attempt[a] == unknown) && over[a] -> settle(a) } \
  :: atomic { attempt[a] == unknown && !sendable[a] && !under_way[a] && !live[a] -> settle(a) }

active proctype Sweeper() {
end:
  do
  LOOK(1)
  LOOK(ATTEMPTS)
  od
}

/* I7: nothing is left to do, so everything must be done. */
active proctype Judge() {
  timeout -> assert(contact == final && lives == 0 && made <= ATTEMPTS)
}

init {
  byte n
  atomic {
    for (n : 1 .. WORKERS) {
      run Worker()
    }
  }
}
