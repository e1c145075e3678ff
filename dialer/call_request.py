"""The connect request a campaign's rules ask for."""

from campaigns.campaign_rules import CampaignRules
from dialer.exotel import ConnectRequest


def call_request(
    rules: CampaignRules,
    *,
    agent: str,
    customer: str,
    custom_field: str,
    status_callback: str,
    max_retries: int,
    playback_names: str,
) -> ConnectRequest:
    """Build the request for one call.

    Raises:
        ValueError: The provider would not take it; the message says what to set.
    """
    return ConnectRequest(
        agent=agent,
        customer=customer,
        caller_id=rules.caller_id,
        time_limit_s=rules.time_limit_s,
        time_out_s=rules.time_out_s,
        wait_url=rules.wait_url,
        record=rules.record,
        recording_channels=rules.recording_channels,
        recording_format=rules.recording_format,
        stream_url=rules.stream_url,
        stream_begin=rules.stream_begin or None,
        playback_url=rules.playback_url,
        playback_to=rules.playback_to,
        playback_names=playback_names,
        custom_field=custom_field,
        status_callback=status_callback,
        max_retries=max_retries,
    )


def check_call(rules: CampaignRules) -> None:
    """Build a request nobody sends, so that a wrong option is told when a list is loaded.

    Raises:
        ValueError: As `call_request`.
    """
    call_request(
        rules,
        agent="+910000000001",
        customer="+910000000002",
        custom_field="check",
        status_callback="https://localhost/check",
        max_retries=0,
        playback_names="both",
    )
