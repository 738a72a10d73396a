"""Animals: the species that somebody has found, numbered in the order of their discovery. Knows no entry."""

from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from domain.record import Record
from domain.remembering import forget
from domain.taxonomy.models import Taxon


class ConservationStatus(models.TextChoices):
    """IUCN Red List categories, version 3.1."""

    NOT_EVALUATED = "NE"
    DATA_DEFICIENT = "DD"
    LEAST_CONCERN = "LC"
    NEAR_THREATENED = "NT"
    VULNERABLE = "VU"
    ENDANGERED = "EN"
    CRITICALLY_ENDANGERED = "CR"
    EXTINCT_IN_THE_WILD = "EW"
    EXTINCT = "EX"


class Animal(Record):
    """A species (or subspecies) of the dex. `creation_index` is its number, 1, 2, 3 ... without gaps; `verified` says that the taxonomy knows it."""

    scientific_name = models.CharField(max_length=200, unique=True)
    common_name = models.CharField(max_length=200)
    creation_index = models.PositiveIntegerField(unique=True)
    taxon = models.ForeignKey(Taxon, null=True, blank=True, on_delete=models.SET_NULL, related_name="animals")
    kingdom = models.CharField(max_length=100, blank=True)
    phylum = models.CharField(max_length=100, blank=True)
    class_name = models.CharField(max_length=100, blank=True)
    order = models.CharField(max_length=100, blank=True)
    family = models.CharField(max_length=100, blank=True)
    genus = models.CharField(max_length=100, blank=True)
    species = models.CharField(max_length=100, blank=True)
    description = models.TextField(max_length=2000, blank=True)
    habitat = models.TextField(max_length=1000, blank=True)
    diet = models.TextField(max_length=500, blank=True)
    conservation_status = models.CharField(
        max_length=2, choices=ConservationStatus.choices, default=ConservationStatus.NOT_EVALUATED, blank=True
    )
    interesting_facts = models.JSONField(default=list, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="discovered_animals"
    )
    verified = models.BooleanField(default=False)

    class Meta:
        ordering = ["creation_index"]
        indexes = [
            models.Index(fields=["scientific_name"], name="animal_scientific_name_index"),
            models.Index(fields=["common_name"], name="animal_common_name_index"),
            models.Index(fields=["genus", "species"], name="animal_genus_species_index"),
            models.Index(fields=["creation_index"], name="animal_creation_index_index"),
            models.Index(fields=["verified"], name="animal_verified_index"),
            models.Index(fields=["created_at"], name="animal_created_at_index"),
        ]

    def __str__(self) -> str:
        return f"#{self.creation_index} {self.scientific_name}"

    def get_taxonomic_tree(self) -> dict[str, str]:
        """The classification from kingdom to species; an unknown rank is the empty string."""
        return {
            "kingdom": self.kingdom,
            "phylum": self.phylum,
            "class": self.class_name,
            "class_name": self.class_name,
            "order": self.order,
            "family": self.family,
            "genus": self.genus,
            "species": self.species,
        }


class Sequence(models.Model):
    """The last creation_index that was given: one row, locked while an animal is made, so that numbers have neither gaps nor doubles.

    Its key is a constant, since there is only ever one.
    """

    name = models.CharField(max_length=20, primary_key=True)
    last = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)


def remembered_as(animal_id: UUID) -> str:
    """The cache key of an animal."""
    return f"animal:{animal_id}"


@receiver([post_save, post_delete], sender=Animal)
def forget_changed(instance: Animal, **_: Any) -> None:
    """What others remember of an animal goes once the change is committed, never before: they would only remember the old one again."""
    transaction.on_commit(partial(forget, remembered_as(instance.id)), robust=True)
