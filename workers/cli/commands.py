"""Every command: where it stands, and what it does.

To add one is to add a line here, and its function.
"""

from functools import partial

from workers.cli.command import Command, Group, Table, reads

_process = partial(reads, panel="Processes", needs_store=False, of_account=False)

# in the order of the help
COMMANDS: Table = {
    # a stage of its own
    "demo": reads("demo:demo", needs_store=False, of_account=False),
    "rehearse": reads("rehearse:rehearse", needs_store=False),
    "campaign": Group(
        "Load lists, steer campaigns, see where they stand. A campaign goes by id or by name.",
        {
            "list": reads("campaign:list_"),
            "status": reads("campaign:status"),
            "start": Command("campaign:start", "campaign_started"),
            "pause": Command("campaign:pause", "campaign_paused"),
            "resume": Command("campaign:resume", "campaign_resumed"),
            "cancel": Command("campaign:cancel", "campaign_cancelled"),
            "load": Command("lists:load", "list_loaded"),
            "again": Command("again:again", "list_loaded"),
            "append": Command("lists:append", "list_appended"),
            "imports": reads("lists:imports"),
            "rules": Command("campaign_rules:rules", "rules_changed"),
            "tag": Command("campaign:tag", "campaign_tagged"),
            "why": reads("why:why"),
            "unresolved": reads("quarantine:unresolved"),
            "resolve": Command("quarantine:resolve", "attempt_decided"),
            "plan": reads("plan:plan", needs_store=False),
            "archive": Command("books:archive", "campaign_archived"),
            "delete": Command("books:delete", "campaign_deleted"),
        },
    ),
    "template": Group(
        "Rules under a name, to load lists with.",
        {
            "list": reads("templates:list_"),
            "show": reads("templates:show_"),
            "save": Command("templates:save", "template_saved"),
            "remove": Command("templates:remove", "template_removed"),
        },
    ),
    "report": Group(
        "Write a campaign's report, or compare two.",
        {
            "write": Command("reports:report", "report_taken"),
            "diff": reads("reports:diff"),
        },
        usual="write",
    ),
    "reconcile": Command("books:reconcile", "books_compared"),
    "recordings": Command("books:recordings", "recordings_taken"),
    "purge": Command("books:purge", "data_purged"),
    "suppress": Group(
        "Numbers that are never called. A change counts at once, in running campaigns too.",
        {
            "add": Command("suppress:add", "numbers_suppressed"),
            "list": reads("suppress:list_"),
            "remove": Command("suppress:remove", "number_unsuppressed"),
        },
    ),
    "contact": Group(
        "One contact; its id is the campaign's id, a dash, and its number: 7f3kq2xa-42.",
        {
            "show": reads("contact:show_"),
            "add": Command("adding:add", "contact_added"),
            "call-back": Command("contact:call_back", "contact_called_back"),
            "disposition": Command("contact:disposition", "disposition_given"),
        },
    ),
    "agents": Group(
        "Agents: what they are doing, who they are, and whether they are here or away.",
        {
            "show": reads("agents:show_"),
            "list": reads("registry:list_"),
            "load": Command("registry:load", "agents_loaded"),
            "remove": Command("registry:remove", "agents_removed"),
            "pause": Command("registry:pause", "presence_set"),
            "resume": Command("registry:resume", "presence_set"),
            "move": Command("moving:move", "contacts_moved"),
            "moves": reads("moving:moves"),
            "undo-move": Command("moving:undo_move", "move_undone"),
            "link": Command("agent_links:link", "agent_link_made"),
            "notice": Command("agent_links:notice", "notice_set"),
            "shift": Command("registry:shift", "shift_set"),
        },
        usual="show",
    ),
    "hold": Group(
        "The hold: nothing is dialled, set by hand or because Redis may have lost records.",
        {
            "show": reads("account:show_hold"),
            "set": Command("account:set_hold", "hold_set"),
            "release": Command("account:release_hold", "hold_released"),
        },
    ),
    "account": Group(
        "The accounts at the provider: which there are, and whether they take our requests.",
        {
            "list": reads("accounts:list_", of_account=False),
            # it records itself, under the home account
            "add": reads("accounts:add", of_account=False),
            "check": reads("accounts:check", of_account=False),
            "show": reads("account:show_account"),
            "resume": Command("account:resume", "account_resumed"),
            "today": reads("account:show_today"),
            "raise": Command("account:raise_caps", "caps_raised"),
        },
    ),
    "events": Group(
        "What happened, for other programs to read on from a cursor.",
        {
            "tail": reads("events:tail"),
        },
    ),
    "alert": Group(
        "Who is told of what is wrong: by e-mail, chat or webhook.",
        {
            "add": Command("alerts:add", "alert_added"),
            "list": reads("alerts:list_"),
            "test": Command("alerts:test", "alert_tested"),
            "remove": Command("alerts:remove", "alert_removed"),
        },
    ),
    "webhook": Group(
        "Who is told over HTTP what happens, signed, in order, until they have it.",
        {
            "add": Command("webhooks:add", "webhook_added"),
            "list": reads("webhooks:list_"),
            "test": Command("webhooks:test", "webhook_tested"),
            "replay": Command("webhooks:replay", "webhook_replayed"),
            "check": reads("webhooks:check"),
            "pause": Command("webhooks:pause", "webhook_changed"),
            "resume": Command("webhooks:resume", "webhook_changed"),
            "rotate": Command("webhooks:rotate", "webhook_changed"),
            "remove": Command("webhooks:remove", "webhook_removed"),
        },
    ),
    "key": Group(
        "Keys for the API and the pages. What is changed counts with the next request.",
        {
            "create": Command("keys:create", "key_made", of_account=False),
            "list": reads("keys:list_", of_account=False),
            "revoke": Command("keys:revoke", "key_revoked", of_account=False),
        },
    ),
    "audit": reads("audit:audit"),
    # it records itself, with each account
    "migrate": reads("migrate:migrate", needs_store=False),
    "doctor": reads("doctor:doctor", needs_store=False),
    "alive": reads("alive:alive", needs_store=False),
    "completion": reads("completing:completion", needs_store=False, of_account=False),
    # processes; what is done through them is recorded by them
    "up": _process("processes:up"),
    "web": _process("processes:web"),
    "feeder": _process("processes:feeder"),
    "results": _process("processes:results"),
    "simulator": _process("simulator:simulator"),
}
