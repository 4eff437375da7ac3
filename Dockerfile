# httpd with mod_auth0_jwt: docs/docker.md says how to use the image.
#
#   docker build -t mod-auth0-jwt .          or: make -f Makefile.apxs image
#
# To build from one exact base, name its digest: --build-arg BASE=debian@sha256:...
ARG BASE=debian:bookworm-slim

# ---- build: a compiler and headers, none of which get into the image ---------------
FROM ${BASE} AS build
WORKDIR /source
# First what the packages depend on, so that a change of the code downloads nothing.
COPY tools/setup.sh tools/
RUN apt-get update \
    && apt-get install -y --no-install-recommends make \
    && tools/setup.sh build
COPY Makefile.apxs mod_auth0_jwt.c ./
COPY src src
COPY tools tools
RUN make -f Makefile.apxs -j "$(nproc)" CFLAGS=-O2 module auth0-jwt

# ---- the image -----------------------------------------------------------------------
FROM ${BASE}
# media-types has the MIME types of a site's files. Nothing here needs to become another
# user, so nothing keeps its setuid bit.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        apache2-bin ca-certificates libcjson1 libcurl4 media-types \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old \
        /var/log/apt /var/log/dpkg.log /var/log/alternatives.log \
    && find / -xdev -perm /6000 -type f -exec chmod a-s {} +
COPY --from=build /source/mod_auth0_jwt.so /usr/lib/apache2/modules/
COPY --from=build /source/build/auth0-jwt /usr/local/bin/
COPY image/health.sh /usr/local/bin/auth0-jwt-health
COPY image tools/sample.sh tools/console.sh /usr/local/share/auth0-jwt/
COPY conf /usr/local/share/auth0-jwt/conf

# Any other user will do, too: nothing in the image belongs to this one.
USER 10001:10001
EXPOSE 6060
# It finishes the requests under way; not SIGWINCH, which a resized terminal sends, too.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["auth0-jwt-health"]
ENTRYPOINT ["/usr/local/share/auth0-jwt/entrypoint.sh"]

ARG VERSION=unknown
LABEL org.opencontainers.image.title="mod_auth0_jwt" \
      org.opencontainers.image.description="Apache httpd that lets only requests with a valid Auth0 access token through" \
      org.opencontainers.image.version="${VERSION}"
