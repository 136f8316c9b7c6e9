"""How are many datagrams received and sent with one system call? recvmmsg and sendmmsg of Linux, by ctypes.

A `DatagramBatch` owns the memory that the kernel fills and reads: a slot per datagram for its octets and
its sender, and one buffer that all replies are laid into behind each other. Everything that can be set
once is set once; per batch one copy brings the requests in and one the replies out, and lengths and
offsets are written as whole arrays, so that Python's part per datagram is a few slices.

The calls go through `ctypes.PyDLL`, which keeps the interpreter lock: the socket does not block, and giving
the lock away would let a thread that loads zones hold up every batch (`sys.setswitchinterval`).

Source: recvmmsg(2), sendmmsg(2); the layout of `struct mmsghdr` is that of 64-bit Linux.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import sys
from collections.abc import Sequence
from itertools import accumulate

BATCH = 64  # datagrams per call; measured: 32 costs 4 % more a query, 128 saves nothing
SLOT_BYTES = 512  # of a request in its slot; queries are shorter, and a longer one goes on in its spill
_SPILL_BYTES = 65536 - SLOT_BYTES
MAX_REPLY_BYTES = 4096  # settings.MAX_UDP_PAYLOAD_BYTES
_NAME_BYTES = 28  # struct sockaddr_in6; sockaddr_in has 16
_MSG_DONTWAIT = 0x40
_MMSGHDR_BYTES = 64
_LENGTH_WORD = 14  # which 32-bit word of struct mmsghdr is msg_len
_CONTROL_LONG, _CONTROLLEN_LONG = 4, 5  # which 64-bit words are msg_control and msg_controllen
_CONTROL_BYTES = 64  # one in_pktinfo (12) or in6_pktinfo (20) with its header (16), and room
_IFINDEX_WORD = 4  # where ipi_ifindex stands in such a slot: first behind the header


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Msghdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint32),
        ("iov", ctypes.c_void_p),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Mmsghdr(ctypes.Structure):
    _fields_ = (("header", _Msghdr), ("length", ctypes.c_uint32))


def is_supported() -> bool:
    """Say whether this system has the calls and the layout this module is written for."""
    if not sys.platform.startswith("linux") or ctypes.sizeof(_Mmsghdr) != _MMSGHDR_BYTES:
        return False
    library = ctypes.PyDLL(None)
    return hasattr(library, "recvmmsg") and hasattr(library, "sendmmsg")


class DatagramBatch:
    """Receives and answers datagrams of one bound, non-blocking UDP socket.

    Args:
        bound: the socket; it must outlive the batch.
        is_wildcard: the socket is bound to every address and receives packet information (IP_PKTINFO,
            IPV6_RECVPKTINFO): a reply then leaves from the address that its request came to.
    """

    def __init__(self, bound: socket.socket, *, is_wildcard: bool = False) -> None:
        library = ctypes.PyDLL(None, use_errno=True)
        self._recvmmsg, self._sendmmsg = library.recvmmsg, library.sendmmsg
        self._recvmmsg.argtypes = (
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_void_p,
        )
        self._sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
        self._fd = bound.fileno()
        self._is_v6 = bound.family == socket.AF_INET6
        self._name_bytes = _NAME_BYTES if self._is_v6 else 16
        self._address_at, self._address_bytes = (8, 16) if self._is_v6 else (4, 4)  # in the sender's address
        self._senders = b""
        self._slots = (ctypes.c_char * (BATCH * SLOT_BYTES))()
        self._spill = (ctypes.c_char * (BATCH * _SPILL_BYTES))()  # untouched pages cost nothing
        self._names = (ctypes.c_char * (BATCH * _NAME_BYTES))()
        self._controls = (ctypes.c_char * (BATCH * _CONTROL_BYTES))()
        self._is_wildcard = is_wildcard
        self._replies = (ctypes.c_char * (BATCH * MAX_REPLY_BYTES))()
        self._in_vectors = (_Iovec * (2 * BATCH))()
        self._out_vectors = (_Iovec * BATCH)()
        self._in_headers = (_Mmsghdr * BATCH)()
        self._out_headers = (_Mmsghdr * BATCH)()
        self._lay_out()
        self._view()
        self._starts = tuple(range(0, BATCH * SLOT_BYTES, SLOT_BYTES))
        self._is_redirected = False
        self._texts: dict[bytes, str] = {}

    def _view(self) -> None:
        """Make the views and addresses of the memory that each batch goes through."""
        self._in_longs = memoryview(self._in_headers).cast("B").cast("Q")
        self._control_words = memoryview(self._controls).cast("B").cast("I")
        self._control_address = ctypes.addressof(self._controls)
        self._slot_view = memoryview(self._slots).cast("B")
        self._spill_view = memoryview(self._spill).cast("B")
        self._name_view = memoryview(self._names).cast("B")
        self._reply_view = memoryview(self._replies).cast("B")
        self._in_words = memoryview(self._in_headers).cast("B").cast("I")
        self._out_longs = memoryview(self._out_vectors).cast("B").cast("Q")
        self._out_header_longs = memoryview(self._out_headers).cast("B").cast("Q")
        self._in_address = ctypes.addressof(self._in_headers)
        self._out_address = ctypes.addressof(self._out_headers)
        self._name_address = ctypes.addressof(self._names)
        self._reply_address = ctypes.addressof(self._replies)

    def _lay_out(self) -> None:
        """Point every header at its slot, its sender's address and its vectors, once."""
        for index in range(BATCH):
            slot, rest = self._in_vectors[2 * index], self._in_vectors[2 * index + 1]
            slot.base, slot.length = ctypes.addressof(self._slots) + index * SLOT_BYTES, SLOT_BYTES
            rest.base, rest.length = ctypes.addressof(self._spill) + index * _SPILL_BYTES, _SPILL_BYTES
            received, sent = self._in_headers[index].header, self._out_headers[index].header
            received.name = sent.name = ctypes.addressof(self._names) + index * _NAME_BYTES
            received.namelen = sent.namelen = self._name_bytes
            received.iov = ctypes.addressof(self._in_vectors) + 2 * index * ctypes.sizeof(_Iovec)
            received.iovlen = 2
            sent.iov = ctypes.addressof(self._out_vectors) + index * ctypes.sizeof(_Iovec)
            sent.iovlen = 1
            if self._is_wildcard:
                received.control = sent.control = ctypes.addressof(self._controls) + index * _CONTROL_BYTES
                received.controllen = _CONTROL_BYTES

    def receive(self) -> list[bytes]:
        """Take what has arrived, up to `BATCH` datagrams; none where nothing has.

        Raises:
            OSError: any fault of the socket but EAGAIN and EINTR.
        """
        count = self._recvmmsg(self._fd, self._in_address, BATCH, _MSG_DONTWAIT, None)
        if count <= 0:
            code = ctypes.get_errno()
            if count == 0 or code in (errno.EAGAIN, errno.EINTR):
                return []
            raise OSError(code, os.strerror(code))
        if self._is_wildcard:
            self._take_destinations(count)
        self._senders = bytes(self._name_view[: count * _NAME_BYTES])
        octets = bytes(self._slot_view[: count * SLOT_BYTES])
        lengths = self._in_words[_LENGTH_WORD : 16 * count : 16].tolist()
        if max(lengths) > SLOT_BYTES:
            return [self._take_long(index, length) for index, length in enumerate(lengths)]
        return [octets[start : start + length] for start, length in zip(self._starts, lengths, strict=False)]

    def _take_destinations(self, count: int) -> None:
        """Turn what was received of each datagram's destination into the source of its reply.

        The interface is cleared in an in_pktinfo, so that routing chooses the way back (ip(7)); an
        in6_pktinfo keeps it, for link-local addresses mean nothing without.
        """
        lengths = self._in_longs[_CONTROLLEN_LONG : 8 * count : 8].tolist()
        self._out_header_longs[_CONTROLLEN_LONG : 8 * count : 8] = memoryview(_PACKERS[count](*lengths)).cast(
            "Q"
        )
        self._in_longs[_CONTROLLEN_LONG::8] = _CONTROL_LENGTHS
        if not self._is_v6:
            words = _CONTROL_BYTES // 4
            self._control_words[_IFINDEX_WORD::words] = _NO_INTERFACES

    def _take_long(self, index: int, length: int) -> bytes:
        """Return a datagram that may reach into its spill."""
        start, rest = index * SLOT_BYTES, index * _SPILL_BYTES
        head = bytes(self._slot_view[start : start + min(length, SLOT_BYTES)])
        return head + bytes(self._spill_view[rest : rest + max(0, length - SLOT_BYTES)])

    def client(self, index: int) -> str:
        """Return the IP address that a datagram of this batch came from, as text."""
        start = index * _NAME_BYTES + self._address_at
        packed = self._senders[start : start + self._address_bytes]
        text = self._texts.get(packed)
        if text is None:
            if len(self._texts) >= 4096:  # our choice: some 500 kB
                self._texts.clear()
            text = socket.inet_ntop(socket.AF_INET6 if self._is_v6 else socket.AF_INET, packed)
            self._texts[packed] = text
        return text

    def sender(self, index: int) -> tuple[str, int] | tuple[str, int, int, int]:
        """Return where a datagram of this batch came from, as `socket.sendto` takes it."""
        name = bytes(self._name_view[index * _NAME_BYTES : (index + 1) * _NAME_BYTES])
        port = int.from_bytes(name[2:4], "big")
        if self._is_v6:
            (scope,) = struct.unpack_from("=I", name, 24)
            return self.client(index), port, int.from_bytes(name[4:8], "big"), scope
        return self.client(index), port

    def source(self, index: int) -> tuple[tuple[int, int, bytes], ...]:
        """Return the address a datagram of this batch came to, as `socket.sendmsg` takes it for a reply."""
        if not self._is_wildcard:
            return ()
        slot = bytes(
            memoryview(self._controls).cast("B")[index * _CONTROL_BYTES : (index + 1) * _CONTROL_BYTES]
        )
        length, level, kind = _CMSGHDR.unpack_from(slot)
        return ((level, kind, slot[_CMSGHDR.size : length]),) if length > _CMSGHDR.size else ()

    def send(self, replies: Sequence[bytes], indexes: Sequence[int] | None) -> None:
        """Send replies of up to `MAX_REPLY_BYTES` to the senders of this batch.

        One that the kernel refuses is dropped, as UDP may drop any; the others go on.

        Args:
            replies: none of them empty.
            indexes: which datagram each one answers; None where they answer all in order.
        """
        if not replies:
            return
        self._direct(indexes)
        joined = b"".join(replies)
        self._reply_view[: len(joined)] = joined
        lengths = list(map(len, replies))
        count = len(lengths)
        offsets = list(accumulate(lengths, initial=self._reply_address))
        pack = _PACKERS[count]
        self._out_longs[0 : 2 * count : 2] = memoryview(pack(*offsets[:count])).cast("Q")
        self._out_longs[1 : 2 * count : 2] = memoryview(pack(*lengths)).cast("Q")
        done = 0
        while done < count:
            address = self._out_address + done * _MMSGHDR_BYTES
            sent = self._sendmmsg(self._fd, address, count - done, _MSG_DONTWAIT)
            done += max(sent, 1) if sent != 0 else count  # a refused one is passed over

    def _direct(self, indexes: Sequence[int] | None) -> None:
        """Point each reply's header at the sender it answers, and at the address it leaves from."""
        if indexes is None and not self._is_redirected:
            return
        self._is_redirected = indexes is not None
        longs = self._out_header_longs
        lengths = longs[_CONTROLLEN_LONG::8].tolist()
        for place, index in enumerate(range(BATCH) if indexes is None else indexes):
            longs[8 * place] = self._name_address + index * _NAME_BYTES
            if self._is_wildcard:
                longs[8 * place + _CONTROL_LONG] = self._control_address + index * _CONTROL_BYTES
                longs[8 * place + _CONTROLLEN_LONG] = lengths[index]


_CMSGHDR = struct.Struct("=Qii")  # cmsg_len, cmsg_level, cmsg_type
_PACKERS = tuple(struct.Struct(f"={count}Q").pack for count in range(BATCH + 1))
_CONTROL_LENGTHS = memoryview(_PACKERS[BATCH](*[_CONTROL_BYTES] * BATCH)).cast("Q")
_NO_INTERFACES = memoryview(bytes(4 * BATCH)).cast("I")
