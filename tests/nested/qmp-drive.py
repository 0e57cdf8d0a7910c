# SPDX-License-Identifier: GPL-2.0-only
"""Drive a guest through qemu.qmp, the QEMU project's client library.

usage: qmp-drive.py SOCKET

Prints what was seen, one word or line at a time, for tests/nested/control.
"""

import asyncio
import sys

from qemu.qmp import EventListener, ExecuteError, QMPClient


async def main(path):
    client = QMPClient("test")
    seen = EventListener()
    client.register_listener(seen)
    await client.connect(path)
    print("package", client.greeting.QMP.version["package"])
    print("status", (await client.execute("query-status"))["status"])

    await client.execute("stop")
    print("event", (await seen.get())["event"])
    print("status", (await client.execute("query-status"))["status"])
    await client.execute("cont")
    print("event", (await seen.get())["event"])

    cpus = await client.execute("query-cpus-fast")
    print("cpus", len(cpus), all(cpu["thread-id"] > 0 for cpu in cpus))

    schemas = await client.execute("query-stats-schemas")
    print("targets", *sorted(schema["target"] for schema in schemas))
    names = {
        schema["target"]: [stat["name"] for stat in schema["stats"]]
        for schema in schemas
    }
    for target in "vm", "vcpu":
        stats = await client.execute("query-stats", {"target": target})
        print(target, all([stat["name"] for stat in entry["stats"]]
                          == names[target] for entry in stats))

    for command, arguments in (("no-such-command", None),
                               ("query-balloon", None),
                               ("query-stats", {"target": "moon"})):
        try:
            await client.execute(command, arguments)
            print("no error from", command)
        except ExecuteError as error:
            print("error", error.error_class)

    for _ in range(20):
        await client.execute("system_reset")
        event = await seen.get()
        print("event", event["event"], event["data"]["reason"])
        await asyncio.sleep(0.3)

    await client.execute("quit")
    event = await seen.get()
    print("event", event["event"], event["data"]["reason"])
    await client.disconnect()


asyncio.run(main(sys.argv[1]))
