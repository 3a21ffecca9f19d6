# SPDX-License-Identifier: Apache-2.0


def fuzz(context):
    return []
