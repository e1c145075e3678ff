"""Every key of an account, once. All share the hash tag, so all live on one cluster node.

The prefix is `dialer:{ACCOUNT}:`. C is a campaign id, A an agent's number and N any number
(E.164 digits), K the hundred a contact stands in: (n - 1) // 100.

key                 type    member or field → value or score                          kept
------------------  ------  --------------------------------------------------------  -------------
campaigns           zset    campaign id → created, epoch s                            until archived
archived            zset    archived campaign → when, epoch s                         until deleted
archived_files      hash    content hash of a file → the archived campaign that has   until deleted
                            it
archived_as         hash    archived campaign → how it ended, and its tags, JSON        until deleted
names               hash    campaign name in one case, spaces single → id             for ever
columns_chosen      hash    hash of a list's headings → which is the agent's, the     for ever
                            customer's, the name, as a person chose, JSON
templates           hash    name in one case → rules under a name, who saved them and  until removed
                            when, JSON
c:C                 hash    name, state, rules (JSON), rules_version, columns, tags,   for ever
                            size, open_from, open_until, virtual_time, … of one campaign; once it
                            is archived `packed`, see dialer/store/packing.py
c:C:counts          hash    state → contacts; outcome:O → contacts; attempts;         for ever
                            charged; attempt:O → attempts
c:C:told            hash    kind of event → how many; closed: contacts closed         for ever
                            together; from_start: events were kept from then on;
                            talk_s; spend, millionths
c:C:contacts:K      string  100 contacts of 36 bytes, see dialer/lua/prelude                 for ever
c:C:rows:K          string  the same contacts' lines and cells, zlib of JSON          for ever
c:C:index:K         string  which pieces of numbers and names are among the same        for ever
                            contacts, 506 bytes; see dialer/store/search_index.py
c:C:external:S      hash    of a 4096th share of the external ids: digest → contact    for ever
                            and its row's fingerprint; see dialer/store/external_ids.py
c:C:imports         list    JSON of each file: hash, time, counts                     for ever
c:C:versions        list    the last 50 versions of the rules: rules, since when,     until archived
                            who made them so, JSON; none while there is one
c:C:hashes          set     content hashes of files loaded to their end               for ever
c:C:rejected        hash    block → rejected and duplicate rows, zlib of JSON         for ever
c:C:attempts:K      hash    contact-no → attempt as a JSON list; those that are past  for ever
                            in `packed`, see dialer/store/packed_attempts.py
c:C:recordings      hash    contact-no → where its recording stays, JSON              for ever
c:C:newcomers       list    the first contacts of agents never called here            while any
c:C:newcomers_since zset    since when they wait, epoch s → the first such contact    while any
c:C:heads           hash    agent → the first of their plain contacts, which names    while any
                            the next; see dialer/lua/prelude
c:C:ranked:A        zset    contacts with a rank (priority, retry due) → rank         while any
c:C:ready           zset    agents with work here, believed free → their turn         while any
c:C:called_back     hash    contact that somebody wants called → attempts made by     for ever
                            then
c:C:pinned          hash    contact of a team → the one agent its call back is for     until closed
c:C:teams           set     numbers of the teams that contacts are for                for ever
c:C:zones           set     IANA zones that contacts have of their own                for ever
c:C:suppressed      hash    number this campaign must not ring → when and why, JSON   for ever
turns               zset    running, open campaigns with ready agents → virtual time  while any
later               zset    C/n → due, epoch s                                        until due
released            zset    C/n/token → end of the lease, epoch s                     ≤ 10 s
busy                hash    number → release token or attempt id that holds it        while held
resting             zset    number → end of the wrap-up or gap, epoch s               until then
wrapping_up         hash    agents among those who rest → until when, epoch s         until then
undisposed          zset    C/n whose agent is to say what came of it → until when     while open
waits_for_word      hash    agent → the attempt whose disposition their rest waits    until then
                            for, and when it ends at the earliest, epoch s
agent_day:D         hash    agent → calls, conversations, s talked, calls missed,     3 days
                            dispositions of day D
talks:A             list    ids of the agent's last ten conversations that were       2 days
                            asked a disposition for
moves               zset    id of a move of contacts to another agent → when          7 days
move:M              hash    whose, to whom, by whom; C/agent → how many were moved    7 days
moved:M:C:A         string  which contacts, four bytes each                           7 days
agent_links         hash    id of a link to an agent's page → whose, digest, end,     for ever
                            JSON
notice              string  what all agents' pages show today: text and end, JSON      its end
missed              hash    agent → calls missed in a row                             until one is taken
parked              hash    agent → until when, epoch s                               until then
agents              hash    agent → id, name, groups, shift, …, JSON                  for ever
agent_ids           hash    id → agent, as a number stands in no address              for ever
away                zset    agent who is not to be rung → until when, epoch s; inf     until then
presence            hash    agent → where they are: word, reason, who said so,        for ever
                            since when, JSON; away only as long as they stand in `away`
presence_log        stream  changes of presence by the agent's id, for their sums     92 days
shift_changes       zset    agent → when their shift begins or ends next, epoch s     while they have one
most_calls          hash    agent → calls a day at most, where there is a cap         for ever
teams               hash    number below a million → what a team is, JSON             for ever
team_ids            hash    the same, written in one way → that number                for ever
teams_made          string  the last such number                                      for ever
agents_version      string  raised with each change of who the agents are             for ever
teams_version       string  the version whose agents groups have                      for ever
members:T           set     agents of a group's team T                                for ever
free_of:T           zset    those of them believed free → since when, epoch s         while free
claims:T            set     tokens of releases that are to ring one of team T         ≤ 10 s
idle_since          hash    agent who was rung for a team → since when, epoch s       for ever
spoke:M             hash    customer → who spoke with them last, where a rule wants the    ≤ 90 days
                            same agent again; M of 30 days each
agent_calls:D       hash    such an agent → calls on local day D                      3 days
calls:D             hash    number → calls on local day D, where a rule caps them     3 days
c:C:day:D           hash    what the campaign's daily caps count on local day D       3 days
day:D               hash    what the account used on local day D (calls, seconds,     8 days
                            spend), and what was added to its caps
figures:D           hash    what came of the attempts requested on UTC day D, by quarter  10 days
                            of an hour: see campaigns/day_figures.py
hours               hash    hour since 1970 → calls in it                             7 days
counted             hash    attempt → day, seconds and spend counted for it until     ≤ 20 min after
                            it is known what it took                                  its end
wanted:N            set     campaigns (agent or team), C/n (customer) and @T (member  while held
                            of team T) to wake when freed
open                zset    attempt not yet settled → next look, epoch s              while open
late                zset    attempt settled, final values missing → next look         ≤ minutes
slots               zset    request → when its slot frees itself, epoch s             ≤ minutes
pace                hash    next_at, blocked_until, cut, slow_until, ticked_at …      for ever
sent:M, refused:M   hash    second → requests, in minute M                            2 h
sids:D              hash    Sid → attempt id, of day D                                the next day
callbacks           stream  raw callbacks, consumer group `results`                   until settled
orphans             stream  callbacks nobody could place, 20 an attempt a day         10,000
orphans_of:D        hash    attempt id → how many of day D                            2 days
suppressed          hash    number → when and why, JSON                               for ever
account             hash    run_id, epoch; stopped, hold, hand, capped_by: why        for ever
                            nothing is dialled; layout of contacts; terms,
                            terms_told, allowance: what all must have the same; moves:
                            how often Redis' clock was set and all that ends by it moved;
                            set_by, set_at: the last time that was a second or more
clocks              hash    host since its boot → by how much Redis' clock is ahead of   30 days
                            its own, s; moves by then; when, epoch s
terms               hash    process → fingerprint, since when, its terms as JSON:     20 s of silence,
                            what must agree, see dialer/terms.py                      or the next's coming
terms_seen          zset    process → when it told last that it lives, epoch s        as terms
processes           hash    process → what it is and since when, JSON                 as terms
hosts               hash    identity of a host's journal → last seen, epoch s         30 days
host_names          hash    identity of a host's journal → its name, for people       as hosts
sick                hash    identity of a host that cannot send → since when, why, JSON  15 s
reported            hash    identity of a host's journal → what it held, JSON         per hold
ghosts              zset    N/attempt whose contact is lost → until it could live     until then
recent, c:C:recent  list    the last answers, for the breakers                        50
meters              hash    measure, its labels and bucket, JSON → sum or count         for ever
in_step             string  nothing; written before Redis is asked how many replicas   for ever
                            have all writes
calls_feeder        list    what a feeder is called for, see lua/prelude/turns.lua    until heard
events              stream  what happened: one field, see dialer/store/events.py      EVENTS_DAYS
events_kept_by      string  which process writes them into files                      30 s
recordings_due      zset    attempt whose recording is to be fetched → from when on   until it is kept
recordings_tried    hash    such an attempt → tries that failed                       likewise
alert_rules         hash    id → who is told of what, JSON                            until removed
alerts              hash    rule, kind, whom → an alert that stands, JSON             until it is over
alerts_read         string  event up to which completed campaigns were looked for     for ever
balance             string  when it is asked for next, what it was, currency, JSON    for ever
alerts_watched_by   string  which process watches for alerts                          60 s
webhooks            hash    id → receiver, what it is told, its secrets, JSON         until removed
webhook:W           hash    cursor, tries, next_at, paused … : where it stands        with it
webhook:W:aside     zset    event that is tried by itself → when, epoch s             ≤ 3 days
webhook:W:tries     hash    such an event → tries, since when, last answer, JSON      likewise
webhook:W:dead      list    events that were given up, JSON                           1,000
webhook:W:log       list    the last deliveries, with the answer to each, JSON        100
webhook:W:lease     string  which process delivers                                    30 s
ended               set     campaigns over whose report is not known to be final      until it is
audit               stream  who did what: `record`, a line of JSON, and its `hash`        AUDIT_DAYS
audit_head          hash    no, hash, ms of the last record; of the last trimmed       for ever
api_keys            hash    key id → hash of the key, scopes, name, expiry, JSON      for ever
keys_used           hash    key id → last use, epoch s, to the minute                 with its key
keys_made           string  1: a key was made once, so nobody comes in without        for ever
session:H           string  key id and start of the session whose token has hash H    1 h idle, 12 h
web_secret          string  signs what forms of the pages carry                       for ever
kept_house          string  somebody has removed what is kept too long                 a day
idempotency:H       string  answer to an upload with this Idempotency-Key             24 h
readyz              string  written to see that writes are taken                      60 s
dramatiq…           –       Dramatiq's own: the queues `dial` and `events`              –

Redis keeps functions too, `dialer_…`, of whatever account: the steps of a dial, see dialer/store/functions.py.

Where a file lists several accounts, these stand under `dialer:{phones}:` for all of them:

held_until          zset    number on a call, or resting after it → epoch s at most   until then
held_by             hash    such a number → prefix of the account that has it         likewise
suppressed          hash    number no account must ring → when and why, JSON          for ever
"""

SHARED_PHONES = "dialer:{phones}:"


def prefix(account: str) -> str:
    """Give the prefix of an account's keys, hash tag included."""
    return f"dialer:{{{account}}}:"
