"""Take the README's pictures anew from what `make run` left: python scripts/pictures.py (needs chromium)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = {  # picture: page below .tdlocal, its size in pixels
    "sales": ("output/dashboards/sales.html", (1200, 960)),
    "identity": ("output/dashboards/identity.html", (1200, 2460)),
    "validation": ("output/validation_report.html", (1000, 860)),
    "run": ("runs/0001/run.html", (1200, 1400)),
}
SCALE = 0.66


def main() -> int:
    """Write docs/pictures/<name>.png for every page; return the exit code."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        print("pictures need chromium or google-chrome on the path", file=sys.stderr)
        return 1
    for name, (page, (width, height)) in PAGES.items():
        file = ROOT / ".tdlocal" / page
        if not file.is_file():
            print(f"{file} is missing: make run first", file=sys.stderr)
            return 1
        words = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--force-device-scale-factor={SCALE}"]
        target = ROOT / "docs" / "pictures" / f"{name}.png"
        words += [f"--window-size={width},{height}", f"--screenshot={target}", file.as_uri()]
        subprocess.run([browser, *words], check=True, capture_output=True)
        print(target.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
