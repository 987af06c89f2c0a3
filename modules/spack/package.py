# Spack recipe. In a repository of the site: packages/hpml/package.py; then `spack install hpml`.
from spack.package import *


class Hpml(CMakePackage, CudaPackage):
    """BERT-class pretraining and fine-tuning as native MPI batch jobs, from raw text to GLUE
    results: C++20 over MPI, HDF5 and LibTorch; no Python runs."""

    # The site names where its copy of the source lies, e.g. file:///sw/sources/hpml.
    git = "file:///sw/sources/hpml"

    license("MIT")

    version("main", branch="main")
    version("0.1.0", tag="v0.1.0")

    variant("nccl", default=True, when="+cuda", description="All-reduce between GPUs through NCCL")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("ninja", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("mpi")
    depends_on("hdf5~mpi")
    depends_on("boost@1.71:+program_options")
    depends_on("fmt")
    depends_on("spdlog")
    depends_on("nlohmann-json@3.9:")
    depends_on("xxhash")
    depends_on("utf8proc")
    depends_on("icu4c")
    depends_on("expat")
    depends_on("zlib-api")
    # Spack has no LibTorch of its own; an application finds it inside py-torch.
    depends_on("py-torch@2.6:~cuda", when="~cuda")
    for arch in CudaPackage.cuda_arch_values:
        depends_on(f"py-torch@2.6:+cuda cuda_arch={arch}", when=f"+cuda cuda_arch={arch}")
    depends_on("nccl", when="+nccl")

    # The GPU module needs NCCL.
    conflicts("~nccl", when="+cuda")

    generator("ninja")

    sanity_check_is_file = [
        join_path("bin", "hpml_prepare"),
        join_path("bin", "hpml_pretrain"),
        join_path("bin", "hpml_finetune"),
        join_path("share", "hpml", "jobs", "pretrain_bert_base.cfg"),
    ]

    def cmake_args(self):
        torch = join_path(python_platlib, "torch")
        args = [
            self.define("LIBTORCH_ROOT", torch),
            self.define("HPML_CUDA", "ON" if self.spec.satisfies("+cuda") else "OFF"),
            self.define("HPML_TESTS", False),
        ]
        if self.spec.satisfies("+cuda"):
            args.append(self.define("CMAKE_CUDA_ARCHITECTURES", self.spec.variants["cuda_arch"].value))
        return args

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def check_version(self):
        # Neither starts MPI nor needs a GPU.
        for program in ("hpml_prepare", "hpml_pretrain", "hpml_finetune"):
            Executable(join_path(self.prefix.bin, program))("--version")
