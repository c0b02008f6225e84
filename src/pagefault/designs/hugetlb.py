"""Linux 6.12's huge pages of hugetlbfs, told of small pages: reuse by mapcount in each release.

Claim: nobody needs a spare huge page to write what he alone maps. Breaks `private` as 5.7 did
(CVE-2020-29374): selftests/mm/cow.c expects its vmsplice cases to fail since commit b8a2528835b3.
"""

PARTS = ["hugetlb-reuse-by-mapcount"]
