"""Cut connections and dying servers: nobody knows what came of the commands that were under way.

The model accepts that each of them was stored, or that it was not; the log says which. What was
acked must be there. Repeats find out for the client (Run.repeat).
"""

from __future__ import annotations

from tests.model.commands import Past
from tests.model.device import Device
from tests.model.messages import Command, verdict
from tests.model.run import Run
from tests.model.state import Fields, Plan, Room
from tests.model.views import plain
from tests.model.wire import frame_of

WAYS = ("vanish", "hang_up", "leave")
RESTARTING = 1012
Waiting = list[tuple[Past, Plan]]


def send(run: Run, device: Device, commands: list[Command]) -> Waiting:
    """Send commands from a connected device and wait for nothing; what may come of them."""
    waiting: Waiting = []
    for command in commands:
        run.past.append(Past(command))
        expected = verdict(run.model, command)
        if not isinstance(expected, str):
            waiting += [(run.past[-1], plan) for plan in expected]
        device.send(frame_of(command))
    return waiting


def cut(run: Run, device: Device, commands: list[Command], way: str) -> None:
    """Send commands, then end the connection before their answers are heard."""
    run.world.cuts += 1
    run.connect(device)
    waiting = send(run, device, commands)
    getattr(device, way)()
    run.world.settle(len(run.connected))
    observe(run, waiting)
    compare_answers(run, device)


def die(run: Run, bursts: list[tuple[Device, list[Command]]], answers: int, gently: bool) -> None:
    """Send commands from several devices, then end the server, and start it again.

    So many answers are awaited by the first device before.
    """
    waiting: Waiting = []
    for device, _ in bursts:
        run.connect(device)  # before anything is under way: what it is greeted with is certain
    for device, commands in bursts:
        waiting += send(run, device, commands)
    if bursts:
        first, commands = bursts[0]
        while len(first.answers) < min(answers, len(commands)):
            first.listen()
    ears = run.connected
    if gently:
        run.world.terminate(lambda: _leave(ears))
    else:
        run.world.kill()
        for device in ears:
            device.listen_to_the_end()
    run.world.start()
    observe(run, waiting)
    for device in ears:
        compare_answers(run, device)


def _leave(ears: list[Device]) -> None:
    for device in ears:
        assert device.listen_to_the_end() == RESTARTING


def observe(run: Run, waiting: Waiting) -> None:
    """See in the logs what was stored: of each command one event or none, and nothing else."""
    rooms = list(dict.fromkeys(plan.room for _, plan in waiting))
    for room in rooms:
        here = [(past, plan) for past, plan in waiting if plan.room is room]
        user = here[0][1].user
        key = room.id or run.find_pair(user, room.other(user))
        if key:
            _observe(run, room, key, user, here)


def _observe(run: Run, room: Room, key: int, user: int, here: Waiting) -> None:
    path = f"/v2/conversations/{key}/events"
    page = run.world.http.get(run.token(user), path, after=room.last, limit=500)
    for event in page["events"]:
        found = next((
            index for index, (_, plan) in enumerate(here)
            if (plan.user, plan.type) == (event["sender"], event["type"])
            and _seen(room, plan, user) == plain(event)[plan.type]
        ), None)
        assert found is not None, f"nobody has asked for this: {event}"
        past, plan = here.pop(found)
        past.places = [(key, event["seq"], event["at"])]
        run.model.commit(plan, event["seq"], event["at"], key)
    if not room.id:
        run.model.open(room, key)


def _seen(room: Room, plan: Plan, user: int) -> Fields:
    """What an event says to its reader: the edit of what they have removed says nothing."""
    if plan.type == "edit" and (user, plan.body["seq"]) in room.removed:
        return {"seq": plan.body["seq"]}
    return plan.body


def compare_answers(run: Run, device: Device) -> None:
    """What a connection was told before its end is true."""
    known = {past.command.ref: past for past in run.past}
    for ref, answer in device.answers.items():
        if answer["op"] == "ack" and ref in known:
            places = known[ref].places
            assert places is not None, "acked, and not stored"
            assert (answer["conversation"], answer["seq"], answer["at"]) in places
    run.compare_pushes(device)
