"""Every command: where it stands, what it does, and what the help says of it.

To add one is to add a line here, and its function.
"""

from functools import partial

from workers.cli.command import Command, Group, Table, reads

_process = partial(reads, panel="Processes", needs_store=False, of_account=False)

# in the order of the help
COMMANDS: Table = {
    # a stage of its own
    "demo": reads(
        "demo:demo",
        "Dial a sample campaign against a simulated Exotel, in about a minute.",
        needs_store=False,
        of_account=False,
    ),
    "rehearse": reads(
        "rehearse:rehearse",
        "Rehearse a campaign: your list and your rules, no phone rings, time passes faster.",
        needs_store=False,
    ),
    "campaign": Group(
        "Load lists, steer campaigns, see where they stand. A campaign goes by id or by name.",
        {
            "list": reads(
                "campaign:list_",
                "List campaigns, the newest first; of several accounts, one account after the other.",
            ),
            "status": reads(
                "campaign:status",
                "Show where a campaign stands, what binds it now, and when it will be done.",
            ),
            "start": Command(
                "campaign:start",
                "campaign_started",
                "Start a loaded or paused campaign; starting twice changes nothing.",
            ),
            "pause": Command(
                "campaign:pause",
                "campaign_paused",
                "Pause: no new call after less than a second; live calls end as usual.",
            ),
            "resume": Command(
                "campaign:resume", "campaign_resumed", "Go on with a paused campaign."
            ),
            "cancel": Command(
                "campaign:cancel",
                "campaign_cancelled",
                "Cancel for good: waiting contacts are closed as cancelled, live calls end as usual.",
            ),
            "load": Command(
                "lists:load",
                "list_loaded",
                "Load a list as a new campaign. Every row ends as accepted, rejected or duplicate.",
            ),
            "again": Command(
                "again:again",
                "list_loaded",
                "Load those whom a campaign did not reach as a new one, with its rules.",
            ),
            "append": Command(
                "lists:append",
                "list_appended",
                "Append what is new in a list to a campaign, running or not; what is there is never touched.",
            ),
            "imports": reads(
                "lists:imports",
                "List the files that were loaded into a campaign, the first one first.",
            ),
            "rules": Command(
                "campaign_rules:rules",
                "rules_changed",
                "Show a campaign's rules, or change those given until it is over.",
            ),
            "tag": Command(
                "campaign:tag",
                "campaign_tagged",
                "Put tags on a campaign, or take them off; without either, show them.",
            ),
            "why": reads(
                "why:why",
                "Say why a campaign is not dialling: what is in the way, and how many contacts wait for it.",
            ),
            "unresolved": reads(
                "quarantine:unresolved",
                "List attempts in quarantine: their request may have arrived, and no answer came.",
            ),
            "resolve": Command(
                "quarantine:resolve",
                "attempt_decided",
                "Decide an attempt in quarantine by what you know, from Exotel's dashboard or the agent.",
            ),
            "plan": reads(
                "plan:plan",
                "Forecast a campaign: how long it takes, what binds, how many calls each agent has.",
                needs_store=False,
            ),
            "archive": Command(
                "books:archive",
                "campaign_archived",
                "Move a campaign that is over from Redis into Parquet files, read back before Redis is freed.",
            ),
            "delete": Command(
                "books:delete",
                "campaign_deleted",
                "Delete a campaign that was archived, with all its files: nothing of it can be reported again.",
            ),
        },
    ),
    "template": Group(
        "Rules under a name, to load lists with.",
        {
            "list": reads(
                "templates:list_", "List the templates, and what of them is not allowed any more."
            ),
            "show": reads("templates:show_", "Show a template's rules in words."),
            "save": Command(
                "templates:save",
                "template_saved",
                "Keep rules under a name; those of one that has it already are replaced.",
            ),
            "remove": Command(
                "templates:remove",
                "template_removed",
                "Forget a template; campaigns that were loaded with it keep their rules.",
            ),
        },
    ),
    "report": Group(
        "Write a campaign's report, or compare two.",
        {
            "write": Command(
                "reports:report",
                "report_taken",
                "Write what became of every row: attempts, contacts, summary and more.",
            ),
            "diff": reads(
                "reports:diff",
                "Tell what changed between two attempts files (CSV) of one campaign.",
            ),
        },
        usual="write",
    ),
    "reconcile": Command(
        "books:reconcile",
        "books_compared",
        "Compare a campaign with the provider's own list of calls.",
    ),
    "recordings": Command(
        "books:recordings",
        "recordings_taken",
        "Fetch a campaign's recordings into a folder; asking again fetches what is missing.",
    ),
    "purge": Command(
        "books:purge",
        "data_purged",
        "Remove personal data: numbers, uploaded cells, links to recordings; prints a certificate.",
    ),
    "suppress": Group(
        "Numbers that are never called. A change counts at once, in running campaigns too.",
        {
            "add": Command(
                "suppress:add",
                "numbers_suppressed",
                "Add a file's numbers. Lines without a number are told; the others count all the same.",
            ),
            "list": reads("suppress:list_", "List the numbers, in their order."),
            "remove": Command(
                "suppress:remove",
                "number_unsuppressed",
                "Take a number off the list; contacts it closed stay closed.",
            ),
        },
    ),
    "contact": Group(
        "One contact; its id is the campaign's id, a dash, and its number: 7f3kq2xa-42.",
        {
            "show": reads(
                "contact:show_", "Show a contact, its row, and every attempt to reach it."
            ),
            "add": Command(
                "adding:add",
                "contact_added",
                "Add one contact to a campaign, judged as a row of a list is.",
            ),
            "call-back": Command(
                "contact:call_back",
                "contact_called_back",
                "Let a contact wait until then. Hours, caps, suppression and pause hold all the same.",
            ),
            "disposition": Command(
                "contact:disposition",
                "disposition_given",
                "Say what came of the conversation with a contact, or correct what was said.",
            ),
        },
    ),
    "agents": Group(
        "Agents: what they are doing, who they are, and whether they are here or away.",
        {
            "show": reads(
                "agents:show_",
                "Show what the agents are doing: free, ringing, waiting, talking, wrap_up, parked, or away.",
            ),
            "list": reads(
                "registry:list_", "List the agents that are registered, and where they are."
            ),
            "load": Command(
                "registry:load",
                "agents_loaded",
                "Load a list of agents. Who is known is changed, who is not is added, who is not listed stays.",
            ),
            "remove": Command(
                "registry:remove",
                "agents_removed",
                "Remove agents: nobody rings them any more, and their links open nothing.",
            ),
            "pause": Command(
                "registry:pause",
                "presence_set",
                "Send agents on a break, or off: they are not rung. A call in progress goes on.",
            ),
            "resume": Command(
                "registry:resume",
                "presence_set",
                "Let agents be rung again: from a break, off, outside their shift, or left alone for missed calls.",
            ),
            "move": Command(
                "moving:move",
                "contacts_moved",
                "Let an agent's waiting contacts wait for another agent, or for a group.",
            ),
            "moves": reads(
                "moving:moves", "List the moves of the last seven days, the newest first."
            ),
            "undo-move": Command(
                "moving:undo_move",
                "move_undone",
                "Give contacts that were moved back to whose they were, as far as they still wait.",
            ),
            "link": Command(
                "agent_links:link",
                "agent_link_made",
                "Make a link to an agent's own page, list the links there are, or revoke them.",
            ),
            "notice": Command(
                "agent_links:notice",
                "notice_set",
                "Show a line on all agents' pages, such as what is new today, or take it away.",
            ),
            "shift": Command(
                "registry:shift",
                "shift_set",
                "Give agents the hours they are at work; outside of them they are not rung.",
            ),
        },
        usual="show",
    ),
    "hold": Group(
        "The hold: nothing is dialled, set by hand or because Redis may have lost records.",
        {
            "show": reads("account:show_hold", "Show whether and why nothing is dialled."),
            "set": Command(
                "account:set_hold",
                "hold_set",
                "Stop all dialling of all campaigns until it is released by hand; live calls end as usual.",
            ),
            "release": Command("account:release_hold", "hold_released", "Let dialling go on."),
        },
    ),
    "account": Group(
        "The accounts at the provider: which there are, and whether they take our requests.",
        {
            "list": reads(
                "accounts:list_",
                "List the accounts, their limits, and whether they dial.",
                of_account=False,
            ),
            # it records itself, under the home account
            "add": reads(
                "accounts:add",
                "Add an account to the accounts file; processes serve it once they are started anew.",
                of_account=False,
            ),
            "check": reads(
                "accounts:check",
                "Check the accounts file, and each account's key, limits and processes; no call is placed.",
                of_account=False,
            ),
            "show": reads(
                "account:show_account", "Show whether the provider takes our requests, and why not."
            ),
            "resume": Command(
                "account:resume",
                "account_resumed",
                "Dial again, after what stopped the account was mended: the balance, the key, the caller id.",
            ),
            "today": reads(
                "account:show_today",
                "Show what all campaigns have used of the account's day, and what they may.",
            ),
            "raise": Command(
                "account:raise_caps",
                "caps_raised",
                "Let the account use more today; tomorrow the settings count again.",
            ),
        },
    ),
    "events": Group(
        "What happened, for other programs to read on from a cursor.",
        {
            "tail": reads(
                "events:tail",
                "Print what happens, an event a line. Its id is the cursor to go on from.",
            ),
        },
    ),
    "alert": Group(
        "Who is told of what is wrong: by e-mail, chat or webhook.",
        {
            "add": Command(
                "alerts:add",
                "alert_added",
                "Tell somebody of what is wrong: once, and when it is over.",
            ),
            "list": reads("alerts:list_", "List who is told of what, and what stands."),
            "test": Command(
                "alerts:test", "alert_tested", "Tell the people of a rule now that this is a test."
            ),
            "remove": Command(
                "alerts:remove", "alert_removed", "Tell the people of a rule no more."
            ),
        },
    ),
    "webhook": Group(
        "Who is told over HTTP what happens, signed, in order, until they have it.",
        {
            "add": Command(
                "webhooks:add",
                "webhook_added",
                "Have a receiver told what happens. Its secret is shown this once.",
            ),
            "list": reads("webhooks:list_", "List the webhooks and where they stand."),
            "test": Command(
                "webhooks:test",
                "webhook_tested",
                "Send one delivery at once that is about nothing, and show the answer.",
            ),
            "replay": Command(
                "webhooks:replay",
                "webhook_replayed",
                "Send again what happened until now, under the same ids, beside what happens meanwhile.",
            ),
            "check": reads(
                "webhooks:check",
                "Compare what a receiver has with what it was to be told; fails where they differ.",
            ),
            "pause": Command(
                "webhooks:pause",
                "webhook_changed",
                "Send it nothing until it is resumed; everything waits.",
            ),
            "resume": Command(
                "webhooks:resume",
                "webhook_changed",
                "Go on where it was paused, or where it gave up; also at once where it waits for its next try.",
            ),
            "rotate": Command(
                "webhooks:rotate",
                "webhook_changed",
                "Give it a new secret. For a day deliveries are signed with the one before, too.",
            ),
            "remove": Command("webhooks:remove", "webhook_removed", "Tell it no more."),
        },
    ),
    "key": Group(
        "Keys for the API and the pages. What is changed counts with the next request.",
        {
            "create": Command(
                "keys:create",
                "key_made",
                "Make a key. It is shown this once; keep it like a password.",
                of_account=False,
            ),
            "list": reads("keys:list_", "List the keys, without their secrets.", of_account=False),
            "revoke": Command(
                "keys:revoke",
                "key_revoked",
                "Revoke a key. Sessions opened with it end too, and the keys it made.",
                of_account=False,
            ),
        },
    ),
    "audit": reads(
        "audit:audit",
        "Show who did what, the newest first: from a terminal, with a key, or turned away.",
    ),
    # it records itself, with each account
    "migrate": reads(
        "migrate:migrate",
        "Bring what earlier versions stored into the form of this one; nothing waits for it.",
        needs_store=False,
    ),
    "doctor": reads(
        "doctor:doctor",
        "Look whether everything is fit for dialling; no call is placed.",
        needs_store=False,
    ),
    "alive": reads(
        "alive:alive",
        "Tell whether a process of this host lives and does its work; for health checks of containers.",
        needs_store=False,
    ),
    "completion": reads(
        "completing:completion",
        "Print what lets a shell complete commands, options and campaigns' names.",
        needs_store=False,
        of_account=False,
    ),
    # processes; what is done through them is recorded by them
    "up": _process(
        "processes:up",
        "Run every process on this machine, from the settings; Ctrl-C stops them in good order.",
    ),
    "web": _process("processes:web", "Run the web process: callback receiver, API and pages."),
    "feeder": _process(
        "processes:feeder",
        "Run the feeder: it releases due contacts a little ahead of the pace, and sweeps.",
    ),
    "results": _process(
        "processes:results",
        "Run the results consumer: stored callbacks become settled attempts. Any number may run.",
    ),
    "simulator": _process(
        "simulator:simulator",
        "Run an Exotel that rings no phone: same requests, answers, callbacks, limit and faults.",
    ),
}
