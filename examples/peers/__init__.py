"""What the benchmarks of this folder share: the peers, and how rows are run and kept.

The peers are written here from their published recipes, so that nothing but their libraries is
needed. Each of ``own``, ``torch_unet``, ``classical`` and ``forest`` has a function ``train`` that
gives a :class:`peers.trained.Trained`. PyTorch is no dependency of membseg: where it is not
installed, its rows are named and left out.
"""
