"""Gives the mailboxes of this database their first life."""

from django.db import migrations

from domain.mailbox.models import new_life


def begin(apps, schema_editor):
    apps.get_model("mailbox", "Life").objects.create(value=new_life())


class Migration(migrations.Migration):
    dependencies = [("mailbox", "0001_initial")]
    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
