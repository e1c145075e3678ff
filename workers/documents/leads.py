"""What became of a contact that was given by itself."""

from typing import Self

from pydantic import BaseModel, Field

from dialer.loading.adding import Addition, Took

_STATUS = {
    Took.ADDED: 201,
    Took.KNOWN: 200,
    Took.CONFLICT: 409,
    Took.DUPLICATE: 409,
    Took.REJECTED: 422,
}


class LeadDocument(BaseModel):
    """What became of a lead."""

    status: int = Field(description="201 added, 200 known, 409 conflict or duplicate, 422 wrong.")
    result: Took
    contact_id: str | None = Field(
        description="The contact it is; of a conflict, the one that has its external id."
    )
    external_id: str
    code: str = Field(description="Why it was not taken, a fixed word; '' when it was.")
    field: str = Field(description="What of it is at fault; '' = it as a whole, or nothing.")
    detail: str = Field(description="Why, in a sentence.")

    @classmethod
    def of(cls, answer: Addition) -> Self:
        """Tell it."""
        return cls(
            status=_STATUS[answer.took],
            result=answer.took,
            contact_id=str(answer.contact) if answer.contact else None,
            external_id=answer.external_id,
            code=answer.code,
            field=answer.column,
            detail=answer.message,
        )
