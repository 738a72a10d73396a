"""Jobs at the door: one's photos on their way to a species, the choices they ask for, and what is told of them."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from consumers.animals import AnimalThing, animal_thing
from consumers.dex import EntryThing, entry_thing
from consumers.wire import Moment, Page, Thing, cursor_of_page
from domain.animals import queries as animals
from domain.dex import queries as dex
from domain.images.links import link_to
from domain.images.transformations import Transformations
from domain.mailbox.facts import Letter
from realtime.events import EventData, Told, durable, passing
from realtime.idempotency import Refs
from realtime.operations import Answer, Caller, Route, Shape, operation
from vision import queries, services
from vision.models import AnalysisJob, Outcome

JOBS = "vision/jobs/"
CAPTURE_RATE = "600/hour"


class ErrorThing(Thing):
    """An error's code and its text."""

    code: str
    message: str


class JobThing(Thing):
    """A photo on its way to a species. `status` is pending, processing, completed or failed; `outcome` the finer word, null while it goes on.

    `detected_animals` are the candidates, best first; `progress` runs from 0 to 1.
    """

    id: UUID
    status: str
    outcome: str | None
    stage: str
    progress: float
    filename: str
    hint: str
    image_conversion_status: str
    dex_compatible_url: str
    cv_method: str
    model_name: str
    detail_level: str
    parsed_prediction: str
    detected_animals: list[dict[str, Any]]
    selected_animal_index: int | None
    identified_animal: UUID | None
    animal_details: AnimalThing | dict[str, Any]
    confidence_score: float | None
    cost_usd: str | None
    processing_time: float | None
    input_tokens: int | None
    output_tokens: int | None
    results: dict[str, Any]
    error_code: str
    error_message: str
    error: ErrorThing | None
    retryable: bool
    retry_count: int
    transformations: dict[str, Any]
    created_at: Moment
    updated_at: Moment
    started_at: Moment | None
    completed_at: Moment | None


class JobAnswer(Answer):
    """`{job}`"""

    job: JobThing


class Jobs(Answer):
    """A page of jobs, newest first; `cursor` leads to the next, null at the end."""

    jobs: list[JobThing]
    cursor: str | None


class Chosen(Answer):
    """What a choice came to; `entry` is null where none was asked for."""

    job: JobThing
    animal: AnimalThing
    entry: EntryThing | None


class ByJob(Shape):
    """A job's id."""

    job_id: UUID


class Retry(ByJob):
    """A job to run again, with other transformations where they are given."""

    transformations: Transformations | None = None


class Choice(ByJob):
    """One of the candidates by `index`, or a `scientific_name`."""

    index: Annotated[int, Field(ge=0, le=100)] | None = None
    scientific_name: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def one_of_them(self) -> "Choice":
        if (self.index is None) == (self.scientific_name is None):
            raise ValueError("give index or scientific_name")
        return self


class JobsPage(Page):
    """Which jobs."""

    status: Literal["pending", "processing", "completed", "failed"] | None = None


def job_thing(job: AnalysisJob) -> JobThing:
    """A job as its owner sees it."""
    animal = job.identified_animal
    cost = None if job.cost_usd is None else format(job.cost_usd, "f")
    return JobThing(
        id=job.id,
        status=job.status,
        outcome=job.outcome or None,
        stage=job.stage,
        progress=job.progress,
        filename=job.filename,
        hint=job.hint,
        image_conversion_status=job.image_conversion_status,
        dex_compatible_url=link_to(job.dex_compatible_image_id, job.user_id) if job.dex_compatible_image_id else "",
        cv_method=job.cv_method,
        model_name=job.model_name,
        detail_level=job.detail_level,
        parsed_prediction=job.parsed_prediction,
        detected_animals=job.detected_animals,
        selected_animal_index=job.selected_animal_index,
        identified_animal=animal.id if animal else None,
        animal_details=animal_thing(animal) if animal else {},
        confidence_score=job.confidence_score,
        cost_usd=cost,
        processing_time=job.processing_time,
        input_tokens=job.input_tokens,
        output_tokens=job.output_tokens,
        results={
            "parsed_prediction": job.parsed_prediction,
            "identified_animal": str(animal.id) if animal else None,
            "cost_usd": cost,
            "processing_time": job.processing_time,
        },
        error_code=job.error_code,
        error_message=job.error_message,
        error=ErrorThing(code=job.error_code, message=job.error_message) if job.outcome == Outcome.FAILED else None,
        retryable=job.retryable,
        retry_count=job.retry_count,
        transformations=job.transformations,
        created_at=job.created_at,
        updated_at=job.updated_at,
        started_at=job.started_at,
        completed_at=job.completed_at,
    )


def unwrap_job(body: dict[str, Any]) -> dict[str, Any]:
    return dict(body["job"])


def job_answer(caller: Caller, refs: Refs) -> JobAnswer:
    return JobAnswer(job=job_thing(queries.job(caller.person.id, UUID(str(refs["job_id"])))))


@operation("capture.get", routes=[Route("GET", JOBS + "{job_id}/", envelope=unwrap_job, throttled=False)])
def get(caller: Caller, data: ByJob) -> JobAnswer:
    """One job of one's own."""
    return job_answer(caller, {"job_id": data.job_id})


@operation("capture.list", routes=[Route("GET", JOBS)])
def list_jobs(caller: Caller, data: JobsPage) -> Jobs:
    """One's jobs, newest first."""
    rows = queries.jobs(caller.person.id, status=data.status, before=data.before, limit=data.limit)
    return Jobs(jobs=[job_thing(row) for row in rows], cursor=cursor_of_page(rows, limit=data.limit))


@operation(
    "capture.retry",
    changes=True,
    rate=CAPTURE_RATE,
    render=job_answer,
    routes=[Route("POST", JOBS + "{job_id}/retry/", envelope=unwrap_job)],
)
def retry(caller: Caller, data: Retry) -> Refs:
    """Runs a failed job again."""
    return {"job_id": str(services.retry(caller.person, data.job_id, transformations=data.transformations).id)}


@operation("capture.cancel", changes=True, render=job_answer, routes=[Route("POST", JOBS + "{job_id}/cancel/", envelope=unwrap_job)])
def cancel(caller: Caller, data: ByJob) -> Refs:
    """Stops a job that has not ended."""
    return {"job_id": str(services.cancel(caller.person, data.job_id).id)}


def _chosen(caller: Caller, refs: Refs) -> Chosen:
    job = queries.job(caller.person.id, UUID(str(refs["job_id"])))
    entry_id = refs["entry_id"]
    entry = dex.entry(caller.person.id, UUID(str(entry_id))) if entry_id else None
    return Chosen(
        job=job_thing(job),
        animal=animal_thing(animals.get(UUID(str(refs["animal_id"])))),
        entry=entry_thing(entry, caller.person.id) if entry else None,
    )


@operation(
    "capture.choose",
    changes=True,
    render=_chosen,
    routes=[Route("POST", JOBS + "{job_id}/select_animal/", envelope=unwrap_job, aliases={"animal_index": "index"})],
)
def choose(caller: Caller, data: Choice) -> Refs:
    """Settles a job that needs a choice."""
    job, entry = services.choose(caller.person, data.job_id, index=data.index, scientific_name=data.scientific_name)
    return {"job_id": str(job.id), "animal_id": str(job.identified_animal_id), "entry_id": str(entry.id) if entry else None}


class JobTold(EventData):
    """A job was queued or cancelled, or needs a choice."""

    job: JobThing


class CandidateThing(Thing):
    """What a picture may show; `animal_id` and `taxon_id` are "" where there is none. Choose it by `index`."""

    index: int
    scientific_name: str
    common_name: str
    rank: str
    confidence: float
    animal_id: str
    taxon_id: str


class NeedsChoice(JobTold):
    """No candidate is sure enough, or several animals are in the picture; candidates are best first, at most five."""

    candidates: list[CandidateThing]


class Identified(JobTold):
    """An animal was recognised. `entry` is the dex entry made in the same transaction, null where none was asked for."""

    animal: AnimalThing
    entry: EntryThing | None
    new_entry: bool | None
    new_species: bool
    new_for_you: bool


class Failed(JobTold):
    """A job ended without an animal."""

    error: ErrorThing
    retryable: bool


class Progress(EventData):
    """How far a job is: `stage` is queued, converting, identifying, matching or recording; `fraction` runs from 0 to 1 and never falls."""

    job_id: UUID
    stage: str
    fraction: float


passing("capture.progress", Progress)


def _jobs_of(letters: Sequence[Letter]) -> dict[str, AnalysisJob]:
    return {str(key): job for key, job in queries.jobs_by_id({UUID(str(letter.refs["job_id"])) for letter in letters}).items()}


@durable("capture.cancelled", JobTold)
@durable("capture.queued", JobTold)
def _told(letters: Sequence[Letter]) -> list[Told | None]:
    jobs = _jobs_of(letters)
    return [
        Told(letter.kind, JobTold(job=job_thing(jobs[key]))) if (key := str(letter.refs["job_id"])) in jobs else None for letter in letters
    ]


@durable("capture.needs_choice", NeedsChoice)
def _needs_choice(letters: Sequence[Letter]) -> list[Told | None]:
    jobs = _jobs_of(letters)
    found = [jobs.get(str(letter.refs["job_id"])) for letter in letters]
    return [_choice(job) if job else None for job in found]


def _choice(job: AnalysisJob) -> Told:
    candidates = [CandidateThing.model_validate(candidate) for candidate in job.detected_animals]
    return Told("capture.needs_choice", NeedsChoice(job=job_thing(job), candidates=candidates))


@durable("capture.failed", Failed)
def _failed(letters: Sequence[Letter]) -> list[Told | None]:
    jobs = _jobs_of(letters)
    found = [jobs.get(str(letter.refs["job_id"])) for letter in letters]
    return [_failure(job) if job else None for job in found]


def _failure(job: AnalysisJob) -> Told:
    error = ErrorThing(code=job.error_code, message=job.error_message)
    return Told("capture.failed", Failed(job=job_thing(job), error=error, retryable=job.retryable))


@durable("capture.identified", Identified)
def _identified(letters: Sequence[Letter]) -> list[Told | None]:
    jobs = _jobs_of(letters)
    entries = dex.by_ids({UUID(str(letter.refs["entry_id"])) for letter in letters if letter.refs["entry_id"]})
    found = animals.by_ids({UUID(str(letter.refs["animal_id"])) for letter in letters})
    told: list[Told | None] = []
    for letter in letters:
        job, animal = jobs.get(str(letter.refs["job_id"])), found.get(UUID(str(letter.refs["animal_id"])))
        entry = entries.get(UUID(str(letter.refs["entry_id"]))) if letter.refs["entry_id"] else None
        if job is None or animal is None:
            told.append(None)
            continue
        data = Identified(
            job=job_thing(job),
            animal=animal_thing(animal),
            entry=entry_thing(entry, letter.owner_id) if entry else None,
            new_entry=letter.refs["new_entry"],
            new_species=bool(letter.refs["new_species"]),
            new_for_you=bool(letter.refs["new_for_you"]),
        )
        told.append(Told("capture.identified", data))
    return told
