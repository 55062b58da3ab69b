"""The backend. Whatever process imports any part of it reads time zones from the pinned ``tzdata`` package.

The system's data is often older: Debian 12 is an hour off for Africa/Casablanca in 2027 (decision 0079).
"""

import zoneinfo

zoneinfo.reset_tzpath(to=[])
