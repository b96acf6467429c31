"""What the live path names, and changing that in one step."""

import os

from host_programs.owned import MARKS
from host_programs.release.exchange import exchange
from host_programs.release.site import Site, Tree, kind_of
from host_programs.request import FOREIGN, NOT_THERE, Progress, Refusal, shown


class LivePath:
    """The live path of a site: the plain directory that it always was, or a link to a release."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def name(self, tree: Tree) -> Tree:
        """Makes it name a tree; the tree that it named before."""
        before = self.site.live_tree()
        if before != tree:
            if tree[0] == "original":
                self.name_original()
            elif before[0] == "original":
                self.leave_original(self.site.root_of(tree))
            else:
                self.point_at(self.site.root_of(tree))
        elif tree[0] == "original" and kind_of(self.site.original) == "link":
            os.unlink(self.site.original)  # The link of an exchange whose end was interrupted.
        return before

    def name_original(self) -> None:
        """Exchanges the link for the plain directory."""
        original = self.site.original
        if kind_of(original) != "directory":
            raise Refusal(NOT_THERE, "the original is not at %s" % shown(original))
        exchange(self.site.live, original)
        os.unlink(original)  # It is the link now.

    def leave_original(self, root: str) -> None:
        """Exchanges the plain directory for a link to a release."""
        original = self.site.original
        if kind_of(original) == "link":
            os.unlink(original)  # One that waited for its exchange.
        elif kind_of(original) is not None:
            raise Refusal(FOREIGN, "%s is in the way of the original" % shown(original))
        os.symlink(root, original)
        exchange(self.site.live, original)

    def point_at(self, root: str) -> None:
        """Replaces the link by one to another release."""
        temporary = os.path.join(self.site.releases, MARKS, "live.new")
        if os.path.lexists(temporary):
            os.unlink(temporary)
        os.symlink(root, temporary)
        Progress.has_written = True
        os.rename(temporary, self.site.live)
