"""A campaign's rules as a person would say them."""

from collections.abc import Iterator
from datetime import datetime

from campaigns.campaign_rules import CampaignRules
from campaigns.dispositions import Disposition, FollowUp, choices
from campaigns.retry_policy import Backoff, RetryRule
from campaigns.rules.retries import UnknownPolicy
from campaigns.rules.turns import WrapUpUntil
from campaigns.rules.when import ZoneBy
from campaigns.sentence import joined, told

_UNKNOWN = {
    UnknownPolicy.REDIAL: told(
        "a call that may have been placed is dialled again once no call of it can be live any more"
    ),
    UnknownPolicy.SKIP: told("a call that may have been placed is not dialled again"),
    UnknownPolicy.MANUAL: told("a call that may have been placed is left to an operator"),
}
_NONE = told("none")


def rules_in_words(rules: CampaignRules) -> dict[str, str]:
    """Say every rule: topics in the order people ask for them, one line each."""
    return {
        told("hours"): _hours(rules),
        told("start and end"): _start_and_end(rules),
        told("attempts"): _attempts(rules),
        told("retries"): joined("; ", map(retry_in_words, rules.retry)) or _NONE,
        told("unknown"): _UNKNOWN[rules.unknown],
        told("agents"): _agents(rules),
        told("dispositions"): _dispositions(rules),
        told("caps"): joined(", ", _caps(rules)) or _NONE,
        told("order"): told(
            "priority {priority}, weight {weight}",
            priority=rules.priority,
            weight=f"{rules.weight:g}",
        ),
        told("call"): joined(", ", _call(rules)),
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
    zone = told("{zone} time", zone=rules.timezone)
    if rules.zone_by is ZoneBy.NUMBER:
        zone = told("in the time of the customer's number, else {zone}", zone=zone)
    hours = rules.hours.in_words()
    return told("{hours}, {zone}; a row's own time zone goes first", hours=hours, zone=zone)


def _start_and_end(rules: CampaignRules) -> str:
    starts = told("by hand")
    if rules.starts_at:
        starts = told("starts {at}", at=instant_in_words(rules.starts_at, rules))
    if rules.ends_at is None:
        return told("{starts}, ends when nothing is left", starts=starts)
    ends = instant_in_words(rules.ends_at, rules)
    return told("{starts}, ends {at}: who waits then is closed as ended", starts=starts, at=ends)


def instant_in_words(at: datetime, rules: CampaignRules) -> str:
    """Say an instant in the campaign's zone."""
    return f"{at.astimezone(rules.zone):%Y-%m-%d %H:%M %Z}"


def _attempts(rules: CampaignRules) -> str:
    most = told("at most {most} that reached for the customer", most=rules.max_attempts)
    if not rules.min_gap_s:
        return most
    gap = span_in_words(rules.min_gap_s)
    return told("{most}, {gap} between two calls to one customer", most=most, gap=gap)


def retry_in_words(rule: RetryRule) -> str:
    """Say what follows an outcome: `customer busy: after 5 min, 3 times`."""
    cause = told(rule.cause.replace("_", " "))
    if rule.times == 0:
        return told("{cause}: never", cause=cause)
    waits = (span_in_words(delay) if delay else told("at once") for delay in rule.delays_s)
    said = [told("{cause}: after {waits}", cause=cause, waits=joined(", ", waits))]
    if rule.backoff is Backoff.LINEAR:
        said.append(told("growing by as much"))
    if rule.backoff is Backoff.EXPONENTIAL:
        said.append(told("doubling"))
    if rule.times is not None:
        said.append(told("once") if rule.times == 1 else told("{count} times", count=rule.times))
    return joined(", ", said)


def _agents(rules: CampaignRules) -> str:
    rest = told("rest {span} after each call", span=span_in_words(rules.wrap_up_s))
    if rules.wrap_up_until is WrapUpUntil.DISPOSITION:
        rest = told(
            "{rest}, and after a conversation until its disposition, {longest} at most",
            rest=rest,
            longest=span_in_words(rules.wrap_up_longest_s),
        )
    if not rules.park_after:
        return rest
    missed = told("a missed call")
    if rules.park_after > 1:
        missed = told("{count} missed in a row", count=rules.park_after)
    alone = span_in_words(rules.park_s)
    return told(
        "{rest}; left alone for {span} after {missed}", rest=rest, span=alone, missed=missed
    )


def _dispositions(rules: CampaignRules) -> str:
    if not rules.disposition:
        return told("none asked for")
    words = joined(", ", map(disposition_in_words, choices(rules.disposition)))
    within = span_in_words(rules.disposition_within_s)
    return told("{words}; within {span}, else the outcome's rule", words=words, span=within)


def disposition_in_words(one: Disposition) -> str:
    """Say a disposition with what follows it."""
    name = one.name.replace("_", " ")
    match one.follow_up:
        case FollowUp.NOTHING:
            return name
        case FollowUp.FINAL:
            return told("{name} (closed)", name=name)
        case FollowUp.SUPPRESS:
            return told("{name} (never called again)", name=name)
        case FollowUp.RETRY:
            return told("{name} (again after {span})", name=name, span=span_in_words(one.retry_s))


def _caps(rules: CampaignRules) -> Iterator[str]:
    if rules.max_calls_per_day:
        yield told("{most:,} calls a day", most=rules.max_calls_per_day)
    if rules.max_spend_per_day:
        yield told(
            "{most:g} a day at {price:g} a minute, {aside:g} set aside for each call",
            most=rules.max_spend_per_day,
            price=rules.price_per_min,
            aside=rules.reserved_spend,
        )
    if rules.max_calls_per_number:
        yield told("{most} a day to one customer", most=rules.max_calls_per_number)
    for country, most in sorted(rules.country_calls_per_day.items()):
        yield told("{most:,} a day to {country}", most=most, country=country)
    if most := rules.max_concurrent_calls:
        yield told("{most} at once ({channels} channels)", most=most, channels=2 * most)


def _call(rules: CampaignRules) -> Iterator[str]:
    yield told("shown as {number}", number=rules.caller_id)
    yield told("each phone rings {span}", span=span_in_words(rules.time_out_s))
    yield told("cut after {span}", span=span_in_words(rules.time_limit_s))
    if rules.record:
        how = f"{rules.recording_channels}, {rules.recording_format}"
        yield told("recorded ({how})", how=how)
    else:
        yield told("not recorded")
    if rules.wait_url:
        yield told("the agent hears {url} while the customer's phone rings", url=rules.wait_url)
    if rules.playback_url:
        to = rules.playback_to.lower()
        yield told("{url} is played to {whom} first", url=rules.playback_url, whom=told(to))
    if rules.stream_url:
        begin = f" {rules.stream_begin}" if rules.stream_begin else ""
        yield told("streamed to {url}", url=f"{rules.stream_url}{begin}")
    if rules.custom_field:
        yield told("carries {text}", text=rules.custom_field)
