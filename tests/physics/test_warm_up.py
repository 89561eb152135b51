from __future__ import annotations

from metagenx.physics import blundell_bland, parratt, slab_stack, spin_stack
from metagenx.physics.warm_up import warm_up


def test_all_kernels_are_compiled_for_one_kind_of_arguments() -> None:
    warm_up(spin_flip=True, by_the_book=True)
    for kernel in (
        slab_stack.reflect_population,
        spin_stack.reflect_population,
        parratt._amplitude,
        blundell_bland._reflectivity,
    ):
        assert len(kernel.signatures) == 1
