"""Templates: rules under a name, to load lists with."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from campaigns.campaign import LONGEST_NAME
from dialer.deeds import Did
from workers.documents.templates import TemplateDocument
from workers.web.api.needs import Onlooker, Router, TheServices, Uploader
from workers.web.api.rules import Given, known_rules
from workers.web.api.shapes import Order

router = Router("/templates", "campaigns")

Name = Annotated[str, Query(max_length=LONGEST_NAME, description="In whatever case and spaces.")]


class TemplateOrder(Order):
    """Rules to keep under a name."""

    name: str = Field(max_length=LONGEST_NAME)
    rules: Given = Field(
        default_factory=dict, description="By name, as the upload's fields are called."
    )
    like: str = Field(
        "", max_length=LONGEST_NAME, description="A campaign whose rules these begin with."
    )


class TemplateList(BaseModel):
    """All templates, by name."""

    items: list[TemplateDocument]


@router.get("")
def list_templates(_visitor: Onlooker, services: TheServices) -> TemplateList:
    """List the templates."""
    return TemplateList(items=[TemplateDocument.of(one) for one in services.wiring.templates.all()])


@router.post("", Did.TEMPLATE_SAVED, status_code=201)
def save_template(
    _visitor: Uploader, services: TheServices, order: TemplateOrder
) -> TemplateDocument:
    """Keep rules under a name, in place of those that stood there."""
    templates = services.wiring.templates
    given = templates.given(like=order.like) | known_rules(order.rules)
    return TemplateDocument.of(templates.save(order.name, given))


@router.delete("", Did.TEMPLATE_REMOVED, status_code=204)
def remove_template(_visitor: Uploader, services: TheServices, name: Name) -> None:
    """Forget a template; campaigns that were loaded with it keep their rules."""
    services.wiring.templates.remove(name)
