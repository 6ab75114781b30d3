"""Builds plugins as their authors would: outside of the tree, from the headers or the package alone."""

import fcntl
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

from gateway import ROOT

GCC = ["gcc", "-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden",
       "-Wl,-z,nodelete", "-Wl,-z,defs"]
#: Where builds that take long are kept from one run to the next.
CACHE = ROOT / ".build" / "e2e-swift-plugin"


def compile_c(directory, name, source=ROOT / "sdk/template/c/example.c", opt="-O1"):
    """Compiles one C file to `directory/name` with the C compiler and the headers, nothing else."""
    product = Path(directory) / name
    product.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([*GCC, opt, "-I", str(ROOT / "sdk/include"), str(source), "-o", str(product)],
                   check=True, capture_output=True, text=True, timeout=60)
    return product


def build_swift(template=ROOT / "sdk/template/swift", products=("platform-example",), cache=CACHE):
    """Builds a copy of a Swift package as a package of its own, and returns its first library."""
    package = cache / "package"
    manifest = (template / "Package.swift").read_text()
    assert 'path: "../../.."' in manifest
    with one_build_at_a_time():
        for file in template.rglob("*"):
            if file.is_file() and ".build" not in file.parts and file.name not in ("Package.swift", "Package.resolved"):
                write_if_changed(package / file.relative_to(template), file.read_text())
        write_if_changed(package / "Package.swift", manifest.replace('path: "../../.."', f'path: "{ROOT}"'))
        if (ROOT / "Package.resolved").exists():
            shutil.copy(ROOT / "Package.resolved", package / "Package.resolved")
        for product in products:
            done = subprocess.run(
                ["swift", "build", "--package-path", str(package), "--scratch-path", str(cache / "build"),
                 "--product", product], capture_output=True, text=True, timeout=1500)
            assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return cache / f"build/debug/lib{products[0]}.so"


def write_if_changed(path, text):
    """Leaves the time of an unchanged file alone, so that nothing is built twice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


@contextmanager
def one_build_at_a_time():
    """Several builds at once may not fit into the memory of a small machine; a lock file says who may."""
    lock = os.environ.get("PATCHBAY_BUILD_LOCK")
    if not lock:
        yield
        return
    with open(lock, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
