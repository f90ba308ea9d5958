# A node in an image, and what the cluster in deploy/compose has beside it, all from one base image.
#
#   docker build -t weir:0.1 .       compiles what is here
#
# With a program that is built already, on Debian 12, only --target base is needed; see docs/deployment.md.

FROM debian:12-slim AS base
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ca-certificates \
      libboost-json1.81.0 libc-ares2 libpq5 libsqlite3-0 libssl3 libstdc++6 libyaml-cpp0.7 >/dev/null \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/* \
 && groupadd --gid 10001 weir \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir / --shell /usr/sbin/nologin weir
USER 10001:10001
EXPOSE 7420 7421
# Asks 127.0.0.1:7421; another door: WEIR_SERVER, its authority: WEIR_CA.
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s --retries=3 CMD ["weir", "health"]
ENTRYPOINT ["weir"]
CMD ["serve", "-c", "/etc/weir/weir.yaml"]

FROM debian:12-slim AS beside
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      nats-server nginx-light sqlite3 >/dev/null \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
 && groupadd --gid 10001 weir \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir / --shell /usr/sbin/nologin weir \
 && install -d -o weir -g weir /data
USER 10001:10001

FROM debian:12-slim AS compiled
COPY cmake/install-packages.sh /src/cmake/
RUN /src/cmake/install-packages.sh build
COPY . /src
WORKDIR /src
RUN cmake --preset release -DWEIR_BUILD_TESTS=OFF -DWEIR_BUILD_BENCHMARKS=OFF -DWEIR_BUILD_EXAMPLES=OFF \
 && cmake --build --preset release --target weir \
 && strip -o /weir build/release/node/weir

FROM base AS weir
COPY --from=compiled /weir /usr/local/bin/weir
