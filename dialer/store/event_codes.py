"""The number that stands for a kind of event in Redis and in files."""

from campaigns.events import EventKind

EVENT_CODES: dict[EventKind, int] = {
    EventKind.ATTEMPT_PLACED: 1,
    EventKind.ATTEMPT_ANSWERED: 2,
    EventKind.ATTEMPT_SETTLED: 3,
    EventKind.ATTEMPT_CORRECTED: 4,
    EventKind.CONTACT_FINAL: 5,
    EventKind.CONTACT_CORRECTED: 6,
    EventKind.CONTACT_REOPENED: 7,
    EventKind.CONTACT_DISPOSITIONED: 8,
    EventKind.CONTACTS_CLOSED: 9,
    EventKind.CAMPAIGN_STARTED: 10,
    EventKind.CAMPAIGN_PAUSED: 11,
    EventKind.CAMPAIGN_REOPENED: 12,
    EventKind.CAMPAIGN_COMPLETED: 13,
    EventKind.CAMPAIGN_CANCELLED: 14,
    EventKind.REPORT_FINAL: 15,
    EventKind.ACCOUNT_STOPPED: 16,
    EventKind.ACCOUNT_RESUMED: 17,
    EventKind.ACCOUNT_HELD: 18,
    EventKind.ACCOUNT_RELEASED: 19,
    EventKind.ACCOUNT_CAPPED: 20,
    EventKind.AGENT_MISSED: 21,
    EventKind.AGENT_PARKED: 22,
    EventKind.AGENT_PRESENCE: 23,
    EventKind.ALERT_BEGUN: 24,
    EventKind.ALERT_OVER: 25,
    EventKind.RECORDING_STORED: 26,
    EventKind.DISPOSITION_CORRECTED: 27,
    EventKind.CONTACTS_MOVED: 28,
}
"""A number, once given, stays."""
