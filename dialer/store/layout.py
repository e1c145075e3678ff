"""Whether contacts are stored as this version reads them: misread, they were other people's numbers."""

from dialer.store.database import Database, text

LAYOUT_OF_CONTACTS = "2"
"""As in lua/prelude/contacts.lua: 36 bytes a contact, queues as chains. Until then nobody wrote a layout down."""


def can_read_contacts(db: Database) -> bool:
    """Tell whether the account's campaigns, if any, were stored in the layout of this version."""
    with db.client.pipeline() as pipe:
        pipe.hget(db.key("account"), "layout")
        pipe.exists(db.key("campaigns"), db.key("archived"))
        layout, has_campaigns = pipe.execute()
    return text(layout) == LAYOUT_OF_CONTACTS or not has_campaigns
