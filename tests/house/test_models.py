"""What every stored thing has, and what the seed asks of the tables: names, keys, times, indexes."""

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models

# Model: why it has no UUID key of its own.
KEYED_OTHERWISE = {
    "mailbox.Mailbox": "its key is its person's, because the row is locked by person, in key order",
    "mailbox.Event": "its key is (mailbox, seq), which is what every read asks for",
    "animals.Sequence": "there is one row for a name, and the name is its key",
}
# Model: why it has no created_at and updated_at.
UNTIMED = {"mailbox.Event": "it is written once, at `at`, and never changed"}

SEED_TABLES = {
    "accounts_user",
    "accounts_userprofile",
    "animals_animal",
    "dex_dexentry",
    "images_processedimage",
    "social_friendship",
    "vision_analysisjob",
}
SEED_INDEXES = [
    ("accounts_user", ("friend_code",)),
    ("accounts_user", ("email",)),
    ("accounts_user", ("created_at",)),
    ("animals_animal", ("scientific_name",)),
    ("animals_animal", ("common_name",)),
    ("animals_animal", ("genus", "species")),
    ("animals_animal", ("creation_index",)),
    ("animals_animal", ("verified",)),
    ("animals_animal", ("created_at",)),
    ("dex_dexentry", ("owner_id", "animal_id")),
    ("dex_dexentry", ("owner_id", "catch_date")),
    ("dex_dexentry", ("owner_id", "visibility")),
    ("dex_dexentry", ("animal_id", "visibility")),
    ("dex_dexentry", ("catch_date",)),
    ("dex_dexentry", ("is_favorite",)),
    ("social_friendship", ("from_user_id", "status")),
    ("social_friendship", ("to_user_id", "status")),
    ("social_friendship", ("status", "created_at")),
    ("vision_analysisjob", ("user_id", "status")),
    ("vision_analysisjob", ("status", "created_at")),
    ("vision_analysisjob", ("identified_animal_id",)),
    ("vision_analysisjob", ("created_at",)),
    ("images_processedimage", ("source_type", "source_id")),
    ("images_processedimage", ("original_checksum",)),
    ("images_processedimage", ("processed_checksum",)),
    ("images_processedimage", ("created_at",)),
]
SEED_UNIQUE = [
    ("accounts_user", ("email",)),
    ("accounts_user", ("friend_code",)),
    ("animals_animal", ("scientific_name",)),
    ("animals_animal", ("creation_index",)),
    ("dex_dexentry", ("owner_id", "animal_id", "catch_date")),
    ("vision_analysisjob", ("dex_compatible_image_id",)),
]
COLUMNS_OF_INDEXES = """
SELECT t.relname, i.indisunique, array_agg(a.attname ORDER BY k.place)::text[]
FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = 'public',
     unnest(i.indkey) WITH ORDINALITY AS k(attnum, place) JOIN pg_attribute a ON true
WHERE a.attrelid = t.oid AND a.attnum = k.attnum AND i.indisvalid AND i.indpred IS NULL
GROUP BY i.indexrelid, t.relname, i.indisunique
"""


def ours() -> list[type[models.Model]]:
    """Our own models; tables that only join two others are no things."""
    rooms = ("domain.", "vision", "realtime", "graph", "consumers")
    return [model for config in apps.get_app_configs() if config.name.startswith(rooms) for model in config.get_models()]


def indexes(*, unique: bool = False) -> set[tuple[str, tuple[str, ...]]]:
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS_OF_INDEXES)
        return {(table, tuple(columns)) for table, is_unique, columns in cursor.fetchall() if is_unique or not unique}


@pytest.mark.parametrize("model", ours(), ids=lambda model: model._meta.label)
def test_a_model_has_a_uuid_key_and_two_times(model: type[models.Model]) -> None:
    names = {field.name for field in model._meta.get_fields()}
    if model._meta.label not in KEYED_OTHERWISE:
        assert isinstance(model._meta.pk, models.UUIDField)
    if model._meta.label not in UNTIMED:
        assert names >= {"created_at", "updated_at"}


def test_every_exception_is_a_model_that_exists() -> None:
    assert {*KEYED_OTHERWISE, *UNTIMED} <= {model._meta.label for model in ours()}


def test_the_tables_have_the_seeds_names() -> None:
    assert {model._meta.db_table for model in ours()} >= SEED_TABLES


@pytest.mark.django_db
@pytest.mark.parametrize(("table", "columns"), SEED_INDEXES)
def test_the_database_has_the_seeds_index(table: str, columns: tuple[str, ...]) -> None:
    assert (table, columns) in indexes()


@pytest.mark.django_db
@pytest.mark.parametrize(("table", "columns"), SEED_UNIQUE)
def test_the_database_holds_what_the_seed_calls_unique(table: str, columns: tuple[str, ...]) -> None:
    assert (table, columns) in indexes(unique=True)


@pytest.mark.django_db
def test_a_pair_of_people_has_one_row_whoever_asked() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'friendship_one_row_a_pair'")
        definition = str(cursor.fetchone()[0])
    assert definition.startswith("CREATE UNIQUE INDEX")
    assert "LEAST(from_user_id, to_user_id), GREATEST(from_user_id, to_user_id)" in definition


@pytest.mark.django_db
def test_every_foreign_key_has_an_index_that_begins_with_it() -> None:
    firsts = {(table, columns[0]) for table, columns in indexes()}
    missing = [
        f"{model._meta.db_table}.{field.column}"
        for model in ours()
        for field in model._meta.local_fields
        if isinstance(field, models.ForeignKey) and (model._meta.db_table, field.column) not in firsts
    ]
    assert missing == []


@pytest.mark.django_db
def test_migrations_are_complete() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_nothing_but_plain_postgresql_is_needed() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extname FROM pg_extension")
        assert cursor.fetchall() == [("plpgsql",)]
