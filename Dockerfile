FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md ./
COPY scenarios ./scenarios
COPY schemas ./schemas
COPY mockserver ./mockserver
RUN python -m venv /opt/mockserver \
 && /opt/mockserver/bin/pip install --no-cache-dir . \
 && /opt/mockserver/bin/pip uninstall --yes pip

FROM python:3.13-slim
LABEL org.opencontainers.image.title="activation-mockserver" \
      org.opencontainers.image.description="A contract mock server for one payments operation: activate card for customer" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="0.1.0"
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
HEALTHCHECK --start-period=2s --interval=3s --timeout=3s --retries=3 CMD ["mockserver", "health"]
ENTRYPOINT ["mockserver"]
