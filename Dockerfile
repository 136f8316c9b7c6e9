# One image for every role of the lab: `r53lite serve` for the name servers, `r53lite lab --backend NAME` for the backends.
#   docker build -t r53lite .                  the server
#   docker build -t r53lite-client --target client .    a place to run dig in

FROM python:3.11-slim AS server

# The editable install keeps the zones beside the package, where `r53lite lab` finds them.
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY r53lite r53lite
COPY zones zones
RUN pip install --no-cache-dir --disable-pip-version-check -c constraints.txt -e . \
 && useradd --system --no-create-home --shell /usr/sbin/nologin r53lite \
 && install -d -o r53lite -g r53lite /data

# Not root, even on port 53: containers may bind low ports when net.ipv4.ip_unprivileged_port_start is 0, which is the
# default of recent engines, and docker-compose.yml sets it for the others.
USER r53lite
EXPOSE 53/udp 53/tcp 5380/tcp

# Ctrl-C and `docker stop` both mean: drain and end.
STOPSIGNAL SIGTERM
ENTRYPOINT ["r53lite"]
CMD ["serve", "--zones", "zones", "--listen", "0.0.0.0:53", "--api", "0.0.0.0:5380"]


FROM server AS client
USER root
RUN apt-get update -qq \
 && apt-get install -qq -y --no-install-recommends bind9-dnsutils ldnsutils curl \
 && rm -rf /var/lib/apt/lists/*
ENTRYPOINT []
CMD ["bash"]


# The last stage is what a plain `docker build` makes.
FROM server
