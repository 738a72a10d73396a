"""What a checklist says: taxa with their classification and the names people give them; knows no animal that somebody has caught."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from domain.record import Record

SPECIES_RANKS = frozenset({"species", "subspecies"})


class Status(models.TextChoices):
    """The statuses of a ColDP NameUsage (col:status), and `withdrawn` for what a newer edition of its source no longer has."""

    ACCEPTED = "accepted", _("accepted")
    PROVISIONALLY_ACCEPTED = "provisionally accepted", _("provisionally accepted")
    SYNONYM = "synonym", _("synonym")
    AMBIGUOUS_SYNONYM = "ambiguous synonym", _("ambiguous synonym")
    MISAPPLIED = "misapplied", _("misapplied")
    BARE_NAME = "bare name", _("bare name")
    WITHDRAWN = "withdrawn", _("withdrawn")


class Conservation(models.TextChoices):
    """The categories of the IUCN Red List, version 3.1, from least concern to extinct; `CD` is left from version 2.3."""

    LEAST_CONCERN = "LC", _("Least Concern")
    NEAR_THREATENED = "NT", _("Near Threatened")
    CONSERVATION_DEPENDENT = "CD", _("Conservation Dependent")
    VULNERABLE = "VU", _("Vulnerable")
    ENDANGERED = "EN", _("Endangered")
    CRITICALLY_ENDANGERED = "CR", _("Critically Endangered")
    EXTINCT_IN_THE_WILD = "EW", _("Extinct in the Wild")
    EXTINCT = "EX", _("Extinct")
    DATA_DEFICIENT = "DD", _("Data Deficient")
    NOT_EVALUATED = "NE", _("Not Evaluated")


class Taxon(Record):
    """A name of a source with its place in the classification; ranks it lacks are `""`, and a synonym points to what is accepted."""

    source = models.CharField(max_length=32)
    source_id = models.CharField(max_length=64)
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="children")
    accepted = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="synonyms")
    status = models.CharField(max_length=24, choices=Status.choices)
    rank = models.CharField(max_length=32)
    scientific_name = models.CharField(max_length=255)
    authorship = models.CharField(max_length=255, blank=True)
    canonical_name = models.CharField(max_length=255)
    kingdom = models.CharField(max_length=100, blank=True)
    phylum = models.CharField(max_length=100, blank=True)
    class_name = models.CharField(max_length=100, blank=True)
    order = models.CharField(max_length=100, blank=True)
    family = models.CharField(max_length=100, blank=True)
    genus = models.CharField(max_length=100, blank=True)
    specific_epithet = models.CharField(max_length=100, blank=True)
    infraspecific_epithet = models.CharField(max_length=100, blank=True)
    extinct = models.BooleanField(null=True, blank=True)
    conservation_status = models.CharField(max_length=2, blank=True, choices=Conservation.choices)

    class Meta:
        verbose_name_plural = "taxa"
        constraints = [
            models.UniqueConstraint(fields=["source", "source_id"], name="taxonomy_taxon_source_id_once"),
            models.CheckConstraint(
                condition=Q(accepted__isnull=True) | ~Q(status__in=[Status.ACCEPTED, Status.PROVISIONALLY_ACCEPTED]),
                name="taxonomy_taxon_accepted_is_its_own",
            ),
        ]
        indexes = [
            # One index for equality and for "all names of this genus" (LIKE 'genus %'), whatever the database's collation is.
            models.Index(fields=["canonical_name"], opclasses=["varchar_pattern_ops"], name="taxonomy_taxon_canonical"),
            models.Index(fields=["specific_epithet", "infraspecific_epithet"], name="taxonomy_taxon_epithets"),
            GinIndex(SearchVector("canonical_name", config="simple"), name="taxonomy_taxon_words"),
        ]

    def __str__(self) -> str:
        return self.scientific_name


class VernacularName(Record):
    """A name of a taxon in a living language (ISO 639-1 code where there is one), folded as `names.fold_english` folds."""

    taxon = models.ForeignKey(Taxon, on_delete=models.CASCADE, related_name="vernacular_names")
    name = models.CharField(max_length=255)
    folded_name = models.CharField(max_length=255)
    language = models.CharField(max_length=8)
    preferred = models.BooleanField(default=False)

    class Meta:
        ordering = ["-preferred", "name", "id"]
        constraints = [models.UniqueConstraint(fields=["taxon", "language", "folded_name"], name="taxonomy_vernacularname_once")]
        indexes = [
            models.Index(fields=["folded_name", "language"], name="taxonomy_vernacular_folded"),
            GinIndex(SearchVector("folded_name", config="simple"), name="taxonomy_vernacular_words"),
        ]

    def __str__(self) -> str:
        return self.name


class ChecklistEdition(Record):
    """Which edition of a source stands in the tables, by the SHA-256 of its files, so that loading it again costs one read of them."""

    source = models.CharField(max_length=32, unique=True)
    digest = models.CharField(max_length=64, blank=True)
    taxa = models.PositiveIntegerField(default=0)
    vernacular_names = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.source
