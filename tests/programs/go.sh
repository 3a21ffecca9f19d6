# SPDX-License-Identifier: Apache-2.0
set -e
export GOCACHE=/tmp/cache GO111MODULE=off
cd /tmp
go version
go vet /mnt/goroutines.go
go build -o program /mnt/goroutines.go
./program
GOMAXPROCS=8 GOGC=5 ./program | sha256sum
./program panic 2>&1 | grep -c '^panic: on purpose'
go build -o program /mnt/network.go
./program
