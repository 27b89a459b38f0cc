#!/bin/sh
# Copies readings and configuration off the machine, and keeps thirty nights.
set -eu
stamp=$(date -u +%Y%m%d)
tar -czf "/backup/harbour-$stamp.tar.gz" /srv/harbour/readings /srv/harbour/stations.toml
find /backup -name 'harbour-*.tar.gz' -mtime +30 -delete
