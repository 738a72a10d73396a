"""A graph is kept beside the viewer's mailbox number: nothing told to them, nothing built anew."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from domain import mailbox
from domain.accounts.models import User
from graph.services import recent_snapshot


@pytest.fixture
def ada(transactional_db: None) -> User:
    return User.objects.create_user("ada", "ada@example.org")


def queries_for(viewer: User) -> int:
    with CaptureQueriesContext(connection) as asked:
        recent_snapshot(viewer.id)
    return len(asked)


def test_a_kept_graph_costs_one_query(settings: Any, ada: User) -> None:
    settings.GRAPH_CACHE_TTL = 60
    assert queries_for(ada) > 1
    assert queries_for(ada) == 1


def test_news_for_the_viewer_outdate_a_kept_graph(settings: Any, ada: User) -> None:
    settings.GRAPH_CACHE_TTL = 60
    first = recent_snapshot(ada.id)
    with mailbox.transaction():
        mailbox.post("profile.updated", to=[ada.id], user_id=str(ada.id))
    assert recent_snapshot(ada.id).version == first.version + 1


def test_without_a_time_to_live_no_graph_is_kept(settings: Any, ada: User) -> None:
    settings.GRAPH_CACHE_TTL = 0
    assert queries_for(ada) == queries_for(ada) > 1
