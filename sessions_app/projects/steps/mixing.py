"""``mix``: the dub track, and the mix of it with the original, which is lowered under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.batch.sounding import peaks
from pipeline.files.mixer import Mixer
from pipeline.ports import EngineError
from pipeline.sound.media import open_media
from sessions_app.projects.files import local, size_of, store_bytes, store_path, workspace
from sessions_app.projects.job_models import Job
from sessions_app.projects.models import Project
from sessions_app.projects.placed import clones_heard, cues, length_s
from sessions_app.projects.pruning import prune
from sessions_app.projects.running import Work
from sessions_app.projects.withdrawing import WITHDRAWN, still_usable
from voices.files import discard, keep


def plan(job: Job) -> Sequence[Mapping[str, Any]]:
    """Without an original there is nothing to mix with."""
    return [{}] if job.project.original else []


def do(work: Work) -> None:
    project = work.project
    clones = clones_heard(project)
    with workspace() as folder, local(project.original, folder) as path:
        mix, dub = folder / "mix.flac", folder / "dub.flac"
        Mixer(cues(project)).write(
            open_media(path), mix, dub, length_s=length_s(project), check=work.check
        )
        levels = store_bytes(peaks(open_media(dub), check=work.check), ".peaks")
        names = store_path(mix), store_path(dub), levels
        kept = (project.original, project.waveform, *names)
    stretches = project.stretches.values_list("audio", flat=True)
    kept_bytes = sum(size_of(one) for one in (*kept, *stretches))

    def write() -> None:
        if not still_usable(project, clones):
            raise EngineError(WITHDRAWN, "A consent has ended; it is mixed anew without it.")
        fresh = Project.objects.select_for_update(of=("self",), no_key=True).get(pk=project.pk)
        discard([fresh.mix, fresh.dub, fresh.dub_waveform])
        fresh.mix, fresh.dub, fresh.dub_waveform = names
        fresh.clones, fresh.bytes_kept = clones, kept_bytes
        fresh.save(
            update_fields=["mix", "dub", "dub_waveform", "clones", "bytes_kept", "updated_at"]
        )
        for name in names:
            keep(name)
        # Nobody else speaks lines of this project meanwhile, and the project is held.
        prune(fresh)

    work.finish(write=write)
