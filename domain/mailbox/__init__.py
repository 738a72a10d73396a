"""The mailbox: what happened to whom, in order. Services say `mailbox.post(...)` inside `mailbox.transaction()`, and `mailbox.tell(...)`."""

from domain.mailbox.posting import listen, post, tell, transaction

__all__ = ["listen", "post", "tell", "transaction"]
