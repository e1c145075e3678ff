"""A campaign's rules as a person would say them."""

from collections.abc import Iterator
from datetime import datetime

from campaigns.campaign_rules import CampaignRules, UnknownPolicy, WrapUpUntil, ZoneBy
from campaigns.dispositions import Disposition, FollowUp, choices
from campaigns.retry_policy import Backoff, RetryRule
from campaigns.sentence import told

_UNKNOWN = {
    UnknownPolicy.REDIAL: "dialled again once no call of it can be live any more",
    UnknownPolicy.SKIP: "not dialled again",
    UnknownPolicy.MANUAL: "left to an operator",
}


def rules_in_words(rules: CampaignRules) -> dict[str, str]:
    """Say every rule: topics in the order people ask for them, one line each."""
    return {
        "hours": _hours(rules),
        "start and end": _start_and_end(rules),
        "attempts": _attempts(rules),
        "retries": "; ".join(map(retry_in_words, rules.retry)) or "none",
        "unknown": f"a call that may have been placed is {_UNKNOWN[rules.unknown]}",
        "agents": _agents(rules),
        "dispositions": _dispositions(rules),
        "caps": ", ".join(_caps(rules)) or "none",
        "order": f"priority {rules.priority}, weight {rules.weight:g}",
        "call": ", ".join(_call(rules)),
    }


def span_in_words(seconds: float) -> str:
    """Say a duration: `90 s`, `5 min`, `1 h 30 min`, `2 d`."""
    if seconds < 120 and seconds % 60:
        return told(_S, n=f"{seconds:g}")
    minutes, rest_s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, _D), (hours, _H), (minutes, _MIN), (rest_s, _S))
    said = [told(unit, n=number) for number, unit in parts if number] or [told(_S, n=0)]
    return told("{first} {rest}", first=said[0], rest=said[1]) if said[1:] else said[0]


_D, _H, _MIN, _S = told("{n} d"), told("{n} h"), told("{n} min"), told("{n} s")


def _hours(rules: CampaignRules) -> str:
    zone = f"{rules.timezone} time"
    if rules.zone_by is ZoneBy.NUMBER:
        zone = f"in the time of the customer's number, else {zone}"
    return f"{rules.hours.in_words()}, {zone}; a row's own time zone goes first"


def _start_and_end(rules: CampaignRules) -> str:
    starts = f"starts {instant_in_words(rules.starts_at, rules)}" if rules.starts_at else "by hand"
    if rules.ends_at is None:
        return f"{starts}, ends when nothing is left"
    return f"{starts}, ends {instant_in_words(rules.ends_at, rules)}: who waits then is closed as ended"


def instant_in_words(at: datetime, rules: CampaignRules) -> str:
    """Say an instant in the campaign's zone."""
    return f"{at.astimezone(rules.zone):%Y-%m-%d %H:%M %Z}"


def _attempts(rules: CampaignRules) -> str:
    most = f"at most {rules.max_attempts} that reached for the customer"
    if not rules.min_gap_s:
        return most
    return f"{most}, {span_in_words(rules.min_gap_s)} between two calls to one customer"


def retry_in_words(rule: RetryRule) -> str:
    """Say what follows an outcome: `customer busy: after 5 min, 3 times`."""
    cause = rule.cause.replace("_", " ")
    if rule.times == 0:
        return f"{cause}: never"
    delays = ", ".join(span_in_words(delay) if delay else "at once" for delay in rule.delays_s)
    growth = {
        Backoff.NONE: "",
        Backoff.LINEAR: ", growing by as much",
        Backoff.EXPONENTIAL: ", doubling",
    }[rule.backoff]
    times = "" if rule.times is None else f", {_times(rule.times)}"
    return f"{cause}: after {delays}{growth}{times}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _agents(rules: CampaignRules) -> str:
    rest = f"rest {span_in_words(rules.wrap_up_s)} after each call"
    if rules.wrap_up_until is WrapUpUntil.DISPOSITION:
        longest = span_in_words(rules.wrap_up_longest_s)
        rest += f", and after a conversation until its disposition, {longest} at most"
    if not rules.park_after:
        return rest
    missed = "a missed call" if rules.park_after == 1 else f"{rules.park_after} missed in a row"
    return f"{rest}; left alone for {span_in_words(rules.park_s)} after {missed}"


def _dispositions(rules: CampaignRules) -> str:
    if not rules.disposition:
        return "none asked for"
    words = ", ".join(map(disposition_in_words, choices(rules.disposition)))
    within = span_in_words(rules.disposition_within_s)
    return f"{words}; within {within}, else the outcome's rule"


def disposition_in_words(one: Disposition) -> str:
    """Say a disposition with what follows it."""
    name = one.name.replace("_", " ")
    match one.follow_up:
        case FollowUp.NOTHING:
            return name
        case FollowUp.FINAL:
            return f"{name} (closed)"
        case FollowUp.SUPPRESS:
            return f"{name} (never called again)"
        case FollowUp.RETRY:
            return f"{name} (again after {span_in_words(one.retry_s)})"


def _caps(rules: CampaignRules) -> Iterator[str]:
    if rules.max_calls_per_day:
        yield f"{rules.max_calls_per_day:,} calls a day"
    if rules.max_spend_per_day:
        yield (
            f"{rules.max_spend_per_day:g} a day at {rules.price_per_min:g} a minute, "
            f"{rules.reserved_spend:g} set aside for each call"
        )
    if rules.max_calls_per_number:
        yield f"{rules.max_calls_per_number} a day to one customer"
    for country, most in sorted(rules.country_calls_per_day.items()):
        yield f"{most:,} a day to {country}"
    if rules.max_concurrent_calls:
        channels = 2 * rules.max_concurrent_calls
        yield f"{rules.max_concurrent_calls} at once ({channels} channels)"


def _call(rules: CampaignRules) -> Iterator[str]:
    yield f"shown as {rules.caller_id}"
    yield f"each phone rings {span_in_words(rules.time_out_s)}"
    yield f"cut after {span_in_words(rules.time_limit_s)}"
    if rules.record:
        yield f"recorded ({rules.recording_channels}, {rules.recording_format})"
    else:
        yield "not recorded"
    if rules.wait_url:
        yield f"the agent hears {rules.wait_url} while the customer's phone rings"
    if rules.playback_url:
        yield f"{rules.playback_url} is played to {rules.playback_to.lower()} first"
    if rules.stream_url:
        begin = f" {rules.stream_begin}" if rules.stream_begin else ""
        yield f"streamed to {rules.stream_url}{begin}"
    if rules.custom_field:
        yield f"carries {rules.custom_field}"
