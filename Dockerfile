# boxoffice as a small image: built with Go, run from an image that holds the
# program, certificates and nothing else, as a user without rights.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/boxoffice ./cmd/boxoffice \
 && mkdir -p /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/boxoffice /usr/local/bin/boxoffice
COPY --from=build --chown=nonroot:nonroot /out/data /var/lib/boxoffice
USER nonroot
ENV BOXOFFICE_DATA_DIR=/var/lib/boxoffice
VOLUME /var/lib/boxoffice
EXPOSE 8080 9090
ENTRYPOINT ["boxoffice"]
CMD ["serve"]
