"""Categories over the API and on the pages."""

from __future__ import annotations

from collections.abc import Callable

from fastapi.testclient import TestClient

from tests.days import today
from tests.projects import CATEGORY_FEATURES, Project, retrain
from tests.web.examples import Visit


def test_categories_are_posted_and_explained(
    mixed_shop: Project, serve: Callable[[Project], TestClient], visit: Visit
) -> None:
    """A label is that of the night; a reason and the pages say the category."""
    retrain(mixed_shop, "kmeans")
    mixed_shop.night(today().isoformat(), models=["kmeans"])
    ((customer, income, score, segment),) = mixed_shop.sql(
        "select customer_id, annual_income, spending_score, label.segment_id from shop"
        " join segmentation.current_customer_segments as label using (customer_id)"
        " where channel = 'mobile app' and business and customer_id % 2 = 0 order by customer_id limit 1"
    )
    api = serve(mixed_shop)
    row = {"customer_id": customer, "annual_income": income, "spending_score": score, "channel": "mobile app"}
    asked = {"model_of_choice": "kmeans", "data": [{**row, "business": True, "is_even": "true"}]}
    answer = api.post("/cluster?detail=true", json=asked)
    assert answer.status_code == 200, answer.text
    assert answer.json()["clusters"][0]["segment_id"] == segment
    missing = api.post("/cluster", json={"model_of_choice": "kmeans", "data": [row]})
    assert missing.status_code == 422
    assert "business is missing (allowed: a text)" in missing.text
    (label,) = api.get(f"/customers/{customer}").json()["labels"]
    values = {pull["feature"]: pull["value"] for pull in label["explanation"]["pulls"]}
    assert (values["channel"], values["business"], values["annual_income"]) == ("mobile app", "true", income)
    assert set(values) == set(CATEGORY_FEATURES)
    page = visit(mixed_shop)
    assert ">mobile app</td>" in page.get(f"/customer?key={customer}").text
    assert "<dd>Mostly: mobile app, " in page.get("/page").text
    drawn = page.get(f"/page/customers?model=kmeans&as_of={today()}&x=channel&y=spending_score")
    assert (drawn.status_code, drawn.json()["y"]) == (200, "spending_score")
