"""Exotel's voice API: place a call, look calls up, read a callback. Knows no contact.

request     what we ask for            ConnectRequest → form fields
client      one method, one request    Exotel → Connected, CallReport, CallsPage or an error
reading     an answer within bounds     body → what stands in it, or an error
deadline    the time one request has   holds against a server that drips a byte a second
refusals    what a "no" means          HTTP status and words → an error of `dialer.errors`
call        v1 and v3 details          JSON or XML → CallReport
callback    what Exotel posts to us    JSON, multipart or urlencoded → CallReport
recordings  a link → a file            whose host is trusted with what
bodies      bytes → nested fields, bounded
values      one field → text, seconds, price, instant; never an exception
"""

from dialer.errors import RateFeedback
from dialer.exotel.bodies import UnreadableBody
from dialer.exotel.call import UnreadableRow, read_call
from dialer.exotel.callback import MAX_CALLBACK_BYTES, read_callback
from dialer.exotel.client import (
    MAX_NUMBERS_PER_SEARCH,
    MAX_SIDS_PER_PAGE,
    CallsPage,
    Connected,
    Exotel,
)
from dialer.exotel.request import ConnectRequest

__all__ = [
    "MAX_CALLBACK_BYTES",
    "MAX_NUMBERS_PER_SEARCH",
    "MAX_SIDS_PER_PAGE",
    "CallsPage",
    "ConnectRequest",
    "Connected",
    "Exotel",
    "RateFeedback",
    "UnreadableBody",
    "UnreadableRow",
    "read_call",
    "read_callback",
]
