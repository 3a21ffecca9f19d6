# SPDX-License-Identifier: Apache-2.0


def integration(context):
    return []
