FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md ./
COPY scenarios ./scenarios
COPY schemas ./schemas
COPY mockserver ./mockserver
# The environment gets no pip, and none of the tests that libraries bring. What is installed is this folder: no version to pin.
# hadolint ignore=DL3013
RUN python -m venv --without-pip /opt/mockserver \
 && pip --python /opt/mockserver/bin/python install --no-cache-dir ".[redis]" \
 && find /opt/mockserver -type d -name tests -prune -exec rm -r {} +

FROM python:3.13-slim
LABEL org.opencontainers.image.title="activation-mockserver" \
      org.opencontainers.image.description="A contract mock server for one payments operation: activate card for customer" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="0.2.0"
# Nobody installs anything here. The standard library comes uncompiled, and nothing can be written later: each start and
# each health check would take twice the time.
RUN python -m pip uninstall --yes --root-user-action=ignore pip \
 && rm -f /usr/local/bin/pip \
 && python -m compileall -q /usr/local/lib/python3.*/
COPY --from=build /opt/mockserver /opt/mockserver
# A contract mounted at /contract or an overlay at /overlay is taken up (MOCKSERVER_MOUNTS=/).
# They may be ConfigMaps; with MOCKSERVER_WATCH=1 their changes are followed.
ENV PATH=/opt/mockserver/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MOCKSERVER_HOST=0.0.0.0 \
    MOCKSERVER_MOUNTS=/
USER 10001:10001
EXPOSE 8080
# On a busy machine a check may take seconds. What fails in the start period does not count, and the first success ends it.
HEALTHCHECK --start-period=30s --interval=3s --timeout=10s --retries=3 CMD ["mockserver", "health"]
ENTRYPOINT ["mockserver"]
