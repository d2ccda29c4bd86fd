# docker build -t phasescope .
# docker run --rm -v "$PWD/runs:/work/runs" phasescope demo
# docker run --rm --network host -v "$PWD/runs:/work/runs" phasescope explore     (it listens to this machine alone)
#
# For an NVIDIA GPU: docker build --build-arg TORCH_FLAGS= -t phasescope . and docker run --gpus all ...
FROM python:3.11-slim

# The CPU build of torch is 3 GB smaller.
ARG TORCH_FLAGS="--index-url https://download.pytorch.org/whl/cpu"
RUN python -m pip install --no-cache-dir "torch>=2.9" $TORCH_FLAGS

COPY . /phasescope
RUN python -m pip install --no-cache-dir /phasescope

WORKDIR /work
ENTRYPOINT ["phasescope"]
CMD ["--help"]
