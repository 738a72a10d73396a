"""Providers are chosen by settings alone, and a third party's needs one class and one line."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from vision.prediction import Prediction
from vision.providers.factory import CVServiceFactory
from vision.providers.fallback import FallbackService
from vision.providers.openai_service import OpenAIVisionService
from vision.providers.service import Answer, CVService, Question


class OwlService(CVService):
    """A third party's provider: sees nothing."""

    method = "owl"

    def identify(self, question: Question) -> Answer:
        return Answer(prediction=Prediction(subject="nothing"), method=self.method)


@pytest.mark.parametrize(
    ("key", "url", "wanted", "kind"),
    [
        ("", "", "", FallbackService),
        ("sk-1", "", "", OpenAIVisionService),
        ("", "http://127.0.0.1:11434/v1", "", OpenAIVisionService),
        ("sk-1", "", "fallback", FallbackService),
        ("", "", "openai", OpenAIVisionService),
    ],
)
def test_the_settings_choose_the_provider(settings: Any, key: str, url: str, wanted: str, kind: type[CVService]) -> None:
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL, settings.VISION_PROVIDER = key, url, wanted
    assert type(CVServiceFactory.create()) is kind


def test_a_new_provider_needs_one_class_and_one_setting(settings: Any) -> None:
    settings.VISION_PROVIDERS = {**settings.VISION_PROVIDERS, "owl": "tests.vision.test_factory.OwlService"}
    provider = CVServiceFactory.create("owl")
    assert provider.identify(Question(jpeg=b"")).method == "owl"


@pytest.mark.parametrize("path", ["nowhere.Nothing", "vision.pricing.Price", "vision.prediction.read_answer"])
def test_a_provider_that_is_none_is_named_in_the_refusal(settings: Any, path: str) -> None:
    settings.VISION_PROVIDERS = {"odd": path}
    with pytest.raises(ImproperlyConfigured, match="odd"):
        CVServiceFactory.create("odd")


def test_an_unknown_method_and_an_unknown_api_are_refused(settings: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="crystal_ball"):
        CVServiceFactory.create("crystal_ball")
    settings.OPENAI_API = "telepathy"
    with pytest.raises(ImproperlyConfigured, match="OPENAI_API"):
        CVServiceFactory.create("openai")
