"""The component's module. It runs once, while the component is built; what it leaves in memory is what every instance starts with.

For the builder it leaves a file beside this one: `manifest.json`, or `error.txt` with what to tell the author.
"""

import sys
from pathlib import Path

from plugin_sdk_py.api.host import host
from plugin_sdk_py.guest import bindings, exports, hints, loop, report
from plugin_sdk_py.guest.exports import Actions, Channel, Hooks, Jobs, Lifecycle, Manifest, Tools, Webhooks
from plugin_sdk_py.guest.preload import preload
from plugin_sdk_py.plugin import Plugin

__all__ = ["Actions", "Channel", "Hooks", "Jobs", "Lifecycle", "Manifest", "Tools", "Webhooks"]

HERE = Path(__file__).parent
SOURCE = Path(next(folder for folder in sys.path if Path(folder, "plugin.py").is_file()))


def load() -> str:
    """Imports the author's module and gives its manifest."""
    report.source_is(SOURCE)
    import plugin as authored  # type: ignore[import-not-found, unused-ignore]

    plugin = getattr(authored, "plugin", None)
    if not isinstance(plugin, Plugin):
        raise TypeError('plugin.py needs a line such as plugin = Plugin("my-plugin", version="1.0.0", description="...")')
    report.keep_source()
    return exports.serve(plugin)


def advise(error: BaseException) -> str | None:
    """A module that can't be imported while the component is built is not there at all."""
    package = (getattr(error, "name", None) or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and hints.absent(package) is None:
        return f"{package} is nowhere: put pure-Python packages into the folder vendor/ (pip install --target vendor {package})"
    return hints.hint(error)


try:
    preload()
    loop.install()
    (HERE / "manifest.json").write_text(load(), encoding="utf-8")
    host.attach(bindings)
except BaseException as error:  # boundary: the author's module can raise anything
    (HERE / "error.txt").write_text(report.trace(error, advise) or report.message(error), encoding="utf-8")
    raise
