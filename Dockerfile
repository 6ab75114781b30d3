# Builds the gateway and its plugins, and keeps only what runs.
FROM swift:6.3-bookworm AS build
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends libsqlite3-dev libcurl4-openssl-dev libyaml-dev pkg-config
WORKDIR /src
COPY . .
RUN swift build -c release \
    && mkdir -p /out/lib/patchbay/plugins /out/bin \
    && cp .build/release/patchbay /out/bin/ \
    && cp -r .build/release/*.resources /out/bin/ \
    && cp .build/release/libplatform-*.so .build/release/libformat-*.so .build/release/libnotify-*.so /out/lib/patchbay/plugins/

FROM swift:6.3-bookworm-slim
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends libsqlite3-0 libcurl4 libyaml-0-2 ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --home-dir /data --create-home patchbay
COPY --from=build /out /usr/local
USER patchbay
VOLUME /data
EXPOSE 4000 4001
HEALTHCHECK CMD curl -fsS http://127.0.0.1:4000/healthz || exit 1
ENTRYPOINT ["/usr/local/bin/patchbay", "serve", "--data", "/data", "--listen", "0.0.0.0:4000"]
