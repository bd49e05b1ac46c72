# Proctor's images with a container engine.  Without one, `make image` makes the same.
#
#     docker build --target webhook  -t registry.hydrosim.edu/proctor-webhook:0.1.0 .
#     docker build --target recorder -t registry.hydrosim.edu/proctor-recorder:0.1.0 .
#     docker build --target tools    -t registry.hydrosim.edu/proctor-tools:0.1.0 .
#
# What an image holds is decided by manifests/images, here as there.  For the label:
# --build-arg REVISION=$(git rev-parse HEAD); for the same base tomorrow: DEBIAN=debian@sha256:...
ARG DEBIAN=debian:bookworm-slim

FROM ${DEBIAN} AS build
WORKDIR /proctor
COPY tests/tools/need tests/tools/need
RUN tests/tools/need build image
COPY . .
RUN make MODE=release -j"$(nproc)" all \
    && manifests/images root webhook build/bin /images/webhook \
    && manifests/images root recorder build/bin /images/recorder \
    && manifests/images root tools build/bin /images/tools

FROM scratch AS tools
ARG REVISION
COPY --from=build /images/tools/base /
COPY --from=build /images/tools/programs /
LABEL org.opencontainers.image.title="proctor-tools" \
      org.opencontainers.image.description="proctor, which judges manifests and keeps the webhook's certificates" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/usr/bin
WORKDIR /
USER 65532:65532
ENTRYPOINT ["/usr/bin/proctor"]

FROM scratch AS recorder
ARG REVISION
COPY --from=build /images/recorder/base /
COPY --from=build /images/recorder/programs /
LABEL org.opencontainers.image.title="proctor-recorder" \
      org.opencontainers.image.description="Remembers every version of every Deployment, and goes back to a good one" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/usr/bin
WORKDIR /
USER 65532:65532
EXPOSE 8080/tcp 8443/tcp 9443/tcp
ENTRYPOINT ["/usr/bin/proctor-recorder"]

# The last stage is what a build without --target makes.
FROM scratch AS webhook
ARG REVISION
COPY --from=build /images/webhook/base /
COPY --from=build /images/webhook/programs /
LABEL org.opencontainers.image.title="proctor-webhook" \
      org.opencontainers.image.description="Answers admission reviews: a safe Deployment, or every reason why not" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/usr/bin
WORKDIR /
USER 65532:65532
EXPOSE 8080/tcp 8443/tcp
ENTRYPOINT ["/usr/bin/proctor-webhook"]
