"""The component's module. It runs once, while the component is built; what it leaves in memory is what every instance starts with.

For the builder it leaves a file beside this one: `manifest.json`, or `error.txt` with what to tell the author.
"""

import importlib
from pathlib import Path

from plugin_sdk_py.guest import exports, loop, report
from plugin_sdk_py.guest.exports import Actions, Channel, Hooks, Jobs, Lifecycle, Manifest, Tools, Webhooks
from plugin_sdk_py.guest.preload import preload
from plugin_sdk_py.plugin import Plugin

__all__ = ["Actions", "Channel", "Hooks", "Jobs", "Lifecycle", "Manifest", "Tools", "Webhooks"]

HERE = Path(__file__).parent


def load() -> str:
    """Imports the author's module and gives its manifest."""
    module = importlib.import_module("plugin")
    plugin = getattr(module, "plugin", None)
    if not isinstance(plugin, Plugin):
        raise TypeError('plugin.py has no plugin: it needs a line such as plugin = Plugin("my-plugin", version="1.0.0", description="...")')
    report.keep_source(Path(module.__file__ or "").parent)
    return exports.serve(plugin)


try:
    preload()
    loop.install()
    (HERE / "manifest.json").write_text(load(), encoding="utf-8")
except BaseException as error:  # boundary: the author's module can raise anything
    (HERE / "error.txt").write_text(report.trace(error) or report.message(error), encoding="utf-8")
    raise
