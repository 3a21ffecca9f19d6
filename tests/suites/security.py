# SPDX-License-Identifier: Apache-2.0


def security(context):
    return []
