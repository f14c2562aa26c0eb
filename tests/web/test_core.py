"""The reactive core: what changes shows, once, and what is gone hears nothing any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import Desk
from tests.support.server import Server

SIGNALS = """const { atEnd, batch, computed, effect, scope, signal, untracked } =
    await import("core/signals.js");"""
DOM = """const { Element_, append, define, each, h, when } = await import("core/dom.js");
    const place = document.createElement("div"); document.body.append(place);"""


@pytest.fixture(scope="module")
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """One page for all of these: nothing that they do outlasts them."""
    desk = Desk(browser, server)
    yield desk.lab()
    desk.close()


def run(page: Page, code: str) -> Any:
    """What a piece of JavaScript returns, which has the names of the core."""
    return page.evaluate(f"async () => {{ {SIGNALS} {DOM} {code} }}")


def test_an_effect_sees_each_change_once_and_no_state_in_between(page: Page) -> None:
    assert run(page, """
        const first = signal("Ada"), last = signal("Byron"), seen = [];
        const full = computed(() => `${first.value} ${last.value}`);
        const length = computed(() => full.value.length);
        effect(() => { seen.push(`${full.value}: ${length.value}`); });
        last.value = "Lovelace";
        batch(() => { first.value = "A."; last.value = "L."; });
        first.value = "A.";
        return seen;
    """) == ["Ada Byron: 9", "Ada Lovelace: 12", "A. L.: 5"]


def test_an_effect_follows_only_what_it_has_read_the_last_time(page: Page) -> None:
    assert run(page, """
        const which = signal("a"), a = signal(1), b = signal(2), seen = [];
        effect(() => { seen.push(which.value === "a" ? a.value : b.value); });
        b.value = 20; which.value = "b"; a.value = 10; b.value = 30;
        return seen;
    """) == [1, 20, 30]


def test_an_effect_cleans_up_and_ends(page: Page) -> None:
    assert run(page, """
        const source = signal(1), seen = [];
        const end = effect(() => {
            const value = source.value;
            seen.push(value);
            return () => seen.push(-value);
        });
        source.value = 2; end(); source.value = 3;
        return seen;
    """) == [1, -1, 2, -2]


def test_what_is_to_be_done_at_the_end_is_done_once_when_its_effect_or_scope_ends(
    page: Page
) -> None:
    assert run(page, """
        const source = signal(1), other = signal(1), seen = [];
        const end = effect(() => {
            const value = source.value;
            atEnd(() => seen.push(`effect ${value}, ${other.value}`));
        });
        const { dispose } = scope(() => atEnd(() => seen.push("scope")));
        source.value = 2; other.value = 2; end(); end(); dispose();
        return seen;
    """) == ["effect 1, 1", "effect 2, 2", "scope"]


def test_a_computed_that_nobody_reads_is_not_evaluated_and_holds_nothing(page: Page) -> None:
    assert run(page, """
        const source = signal(1); let runs = 0;
        const double = computed(() => { runs += 1; return 2 * source.value; });
        source.value = 2; const before = runs;
        const end = effect(() => { double.value; });
        const during = source.observers.size; end();
        return [before, double.value, runs, during, source.observers.size];
    """) == [0, 4, 1, 1, 0]


def test_a_broken_effect_does_not_stop_the_others(page: Page) -> None:
    assert run(page, """
        const source = signal(0), seen = [], reported = [];
        addEventListener("error", (event) => {
            reported.push(event.message);
            event.preventDefault();
        });
        effect(() => { if (source.value) throw new Error("broken"); });
        effect(() => { seen.push(source.value); });
        source.value = 1;
        return [seen, reported.length];
    """) == [[0, 1], 1]


def test_effects_in_a_scope_end_with_it(page: Page) -> None:
    """And an effect that is made in another one ends when that runs again, before it could run."""
    assert run(page, """
        const source = signal(0), seen = [];
        const { dispose } = scope(() => effect(() => {
            seen.push(source.value);
            effect(() => { seen.push(`inner ${source.value}`); });
        }));
        source.value = 1; dispose(); source.value = 2;
        return seen;
    """) == [0, "inner 0", 1, "inner 1"]


def test_texts_and_attributes_follow_their_signals_and_are_never_parsed(page: Page) -> None:
    assert run(page, """
        const name = signal("<b>x</b>"), on = signal(true);
        const line = h("p",
            { class: () => ["a", on.value && "b"], hidden: () => !on.value, title: name }, "Hi ",
            name, () => on.value && h("i", null, "!"));
        const look = () => [line.textContent, line.className, line.hidden, line.title,
            line.querySelectorAll("b").length, line.querySelectorAll("i").length];
        const before = look();
        name.value = "y"; on.value = false;
        return [before, look()];
    """) == [["Hi <b>x</b>!", "a b", False, "<b>x</b>", 0, 1], ["Hi y", "a", True, "y", 0, 0]]


def test_a_list_keeps_the_nodes_of_its_keys_and_their_order(page: Page) -> None:
    assert run(page, """
        const [a, b, c] = ["a", "b", "c"].map((name, id) => ({ id, name }));
        const items = signal([a, b, c]);
        const line = (item) => h("li", null, () => item.value.name);
        append(place, each(items, ({ id }) => id, line));
        const nodes = [...place.children];
        items.value = [{ ...c, name: "C" }, a, { id: 9, name: "d" }];
        const after = [...place.children];
        return [place.textContent, after[0] === nodes[2], after[1] === nodes[0],
            nodes[1].isConnected];
    """) == ["Cad", True, True, False]


def test_what_is_taken_out_is_not_bound_any_more(page: Page) -> None:
    assert run(page, """
        const shown = signal(true), source = signal(0); let runs = 0;
        const line = (item) => h("p", null, () => { runs += 1; return source.value + item.value; });
        append(place, when(shown, () => each(signal([1, 2]), (item) => item, line),
            () => h("em", null, "none")));
        source.value = 1; const before = [place.textContent, runs];
        shown.value = false; source.value = 2;
        return [before, place.textContent, runs, source.observers.size];
    """) == [["23", 4], "none", 4, 0]


def test_an_element_renders_once_and_ends_when_it_is_out(page: Page) -> None:
    assert run(page, """
        const source = signal("a"), log = [];
        class Probe extends Element_ {
            render() {
                log.push("render");
                this.own(() => log.push("end"));
                return h("b", null, source);
            }
        }
        define("hi-probe", Probe);
        const probe = document.createElement("hi-probe"), other = document.createElement("div");
        place.append(probe, other); other.append(probe);
        await Promise.resolve(); source.value = "b";
        const text = probe.textContent;
        probe.remove(); await Promise.resolve();
        return [log, text, source.observers.size];
    """) == [["render", "end"], "b", 0]


@pytest.mark.parametrize(("address", "found"), [
    ("#/", ["home", {}]), ("", ["home", {}]), ("#/c/12", ["chat", {"conversation": 12}]),
    ("#/c/12/345", ["chat", {"conversation": 12, "seq": 345}]), ("#/c/x", ["unknown", {}]),
    ("#/search?q=%E5%85%AC", ["search", {"q": "公"}]), ("#/i/a%20b", ["invite", {"code": "a b"}]),
    ("#/i/%", ["invite", {"code": "%"}]), ("#/c/99999999999999999", ["unknown", {}]),
    ("#/settings/sessions", ["settings", {"section": "sessions"}]), ("#//", ["unknown", {}]),
])
def test_an_address_is_a_screen_with_its_parameters(
    page: Page, address: str, found: list[Any]
) -> None:
    assert page.evaluate("""async address => {
        const { parse } = await import("core/router.js");
        const { name, params } = parse(address);
        return [name, params];
    }""", address) == found
