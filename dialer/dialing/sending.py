"""The request itself: built from rules and row, and sent while the gate's word holds."""

from campaigns.custom_field import CustomFieldTemplate, custom_field
from dialer.call_request import call_request
from dialer.callback_paths import CallbackPaths
from dialer.clock import boottime_s
from dialer.dialing.at_provider import AtProvider
from dialer.dialing.entrance import Passed
from dialer.dialing.gate import Gate, Opened
from dialer.dialing.options import DialingOptions
from dialer.errors import ProviderError, RequestRefused
from dialer.exotel import Connected, ConnectRequest, Exotel
from dialer.meters import ANSWER, Meters
from dialer.store import Campaign
from dialer.store.contact_rows import Row


class Sending:
    """Sends requests."""

    def __init__(
        self,
        provider: Exotel,
        *,
        gate: Gate,
        paths: CallbackPaths,
        options: DialingOptions,
        meters: Meters,
        at_provider: AtProvider,
    ) -> None:
        self._provider = provider
        self._gate = gate
        self._paths = paths
        self._options = options
        self._meters = meters
        self._at_provider = at_provider

    def send(self, passed: Passed) -> Connected | ProviderError:
        """Send a request that may leave; gives what the provider says, or why it was not asked."""
        if passed.refused:
            return passed.refused
        try:
            request = self._request_for(passed.opened)
        except ValueError as error:
            return RequestRefused(str(error), error_code="not_built")
        with self._at_provider.one_more():
            began_s = boottime_s()
            answer = self._answer_to(request, passed.opened)
            took_s = boottime_s() - began_s
        self._meters.observe(ANSWER, took_s, str(answer.http_status or "none"))
        return answer

    def _answer_to(self, request: ConnectRequest, opened: Opened) -> Connected | ProviderError:
        try:
            return self._provider.connect(
                request,
                send_before=opened.send_before,
                is_wanted=lambda: self._gate.is_still_open(opened),
            )
        except ProviderError as error:
            return error

    def _request_for(self, opened: Opened) -> ConnectRequest:
        campaign = opened.campaign
        return call_request(
            campaign.rules,
            agent=opened.attempt.agent,
            customer=opened.attempt.customer,
            custom_field=custom_field(str(opened.id), _own_field(campaign, opened.row)),
            status_callback=self._paths.url(str(opened.id)),
            max_retries=self._options.max_retries,
            playback_names=self._options.playback_names,
        )


def _own_field(campaign: Campaign, row: Row) -> str | None:
    if "custom_field" in row.extra or not campaign.rules.custom_field:
        return row.extra.get("custom_field")
    template = CustomFieldTemplate.parse(campaign.rules.custom_field, campaign.columns)
    return template.fill(row.cells)
