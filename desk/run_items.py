"""What a run is made of, as the desk lists it: shots with their pictures, or candidates with what was decided."""

from collections.abc import Mapping, Sequence

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from activities.catalog_rows import AssetRow, ShotRow
from activities.hiring_tables import CandidateRow, DecisionRow
from workflows.models import ItemRow, ItemState, Shot, Value
from workflows.models.hiring import HiringDecision

ITEMS_PER_PAGE = 48


class Item(Value):
    """One item of a run as it is shown."""

    shot: Shot
    state: ItemState | None
    row: ItemRow | None
    picture: str

    @property
    def status(self) -> str:
        """How far it is."""
        return self.state.status if self.state else self.row.status if self.row else "waiting"

    @property
    def score(self) -> int | None:
        """The score of its best take, when there is one."""
        if self.state:
            return self.state.best.score if self.state.best else None
        return self.row.score if self.row and self.row.attempts else None


class Applied(Value):
    """One candidate of a run as they are listed: how far, and what was decided; no level, which may not be seen yet."""

    key: str
    title: str
    status: str
    decision: HiringDecision | None


def read_items(session: Session, run: str, rows: Mapping[str, ItemRow], page: int) -> tuple[int, tuple[Item, ...]]:
    """Read one page of the shots of a run, and how many pages there are; `rows` is what the run says of them."""
    total = session.scalar(select(func.count()).select_from(ShotRow).where(ShotRow.run == run)) or 0
    pages = max(-(-total // ITEMS_PER_PAGE), 1)
    query = select(ShotRow).where(ShotRow.run == run).order_by(ShotRow.position)
    found = session.scalars(query.offset((min(page, pages) - 1) * ITEMS_PER_PAGE).limit(ITEMS_PER_PAGE)).all()
    latest = _latest_pictures(session, run, [row.key for row in found])
    return pages, tuple(_item(row, rows.get(row.key), latest) for row in found)


def _latest_pictures(session: Session, run: str, keys: Sequence[str]) -> dict[str, str]:
    query = select(AssetRow.item, AssetRow.digest).where(AssetRow.run == run, AssetRow.item.in_(keys))
    return {item: digest for item, digest in session.execute(query.order_by(AssetRow.created_at))}  # noqa: C416 - rows


def _item(row: ShotRow, known: ItemRow | None, latest: Mapping[str, str]) -> Item:
    state = ItemState.model_validate_json(row.state) if row.state else None
    best = (
        state.publication.digest if state and state.publication else state.best.digest if state and state.best else ""
    )
    picture = best or latest.get(row.key, "")
    return Item(shot=Shot.model_validate_json(row.shot), state=state, row=known, picture=picture)


def read_candidates(
    session: Session, run: str, rows: Mapping[str, ItemRow], page: int
) -> tuple[int, tuple[Applied, ...]]:
    """Read one page of the candidates of a run, and how many pages there are."""
    here = CandidateRow.run == run
    total = session.scalar(select(func.count()).select_from(CandidateRow).where(here)) or 0
    pages = max(-(-total // ITEMS_PER_PAGE), 1)
    decided = and_(DecisionRow.run == CandidateRow.run, DecisionRow.key == CandidateRow.key)
    query = select(CandidateRow, DecisionRow.body).outerjoin(DecisionRow, decided).where(here)
    shown = query.order_by(CandidateRow.position).offset((min(page, pages) - 1) * ITEMS_PER_PAGE).limit(ITEMS_PER_PAGE)
    found = []
    for row, body in session.execute(shown):
        status = "erased" if row.erased_at else rows[row.key].status if row.key in rows else row.status
        decision = HiringDecision.model_validate_json(body) if body else None
        found.append(Applied(key=row.key, title=row.title, status=status, decision=decision))
    return pages, tuple(found)
