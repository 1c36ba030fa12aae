"""From outlines to pixels: the head turns, is lit, stands before a background, seen by a noisy camera."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dferbench_datasets.synthetic.actions import INDEX
from dferbench_datasets.synthetic.face import Array, Outlines, outlines
from dferbench_datasets.synthetic.person import Color, Person, Scene

Pixels = NDArray[np.uint8]
Points = NDArray[np.int32]

_SHIFT = 4  # OpenCV draws at sixteenths of a pixel, so slow movement does not jump from pixel to pixel
_BEHIND = {"hair-back": -0.35, "ear-left": -0.1, "ear-right": -0.1}
_AHEAD = {"nose-tip": 0.22, "nostril-left": 0.16, "nostril-right": 0.16, "nose-side": 0.1}


@dataclass
class Canvas:
    """One frame being drawn; every outline is given in sixteenths of a pixel."""

    image: Pixels

    def fill(self, points: Points, color: Color) -> None:
        """Fill a polygon."""
        cv2.fillPoly(self.image, [points], color.tolist(), cv2.LINE_AA, _SHIFT)

    def line(self, points: Points, color: Color, width: float) -> None:
        """Draw an open curve; a width under one pixel is one pixel."""
        cv2.polylines(self.image, [points], False, color.tolist(), max(1, round(width)), cv2.LINE_AA, _SHIFT)


def sway(scene: Scene, strengths: Array) -> Array:
    """Pose over time, (5, frames): yaw, pitch, roll in radians, then shifts in face units."""
    frames = len(strengths)
    t = (np.arange(frames) + 0.5) / frames
    constant, amplitude, frequency, phase = scene.pose.T[:, :, None]
    pose = constant + 0.7 * amplitude * np.sin(2 * np.pi * (frequency * t + phase))
    pose[1] -= 0.35 * strengths[:, INDEX["head-down"]]
    pose[2] += 0.3 * scene.side * strengths[:, INDEX["head-tilt"]]
    return np.asarray(pose)


def project(shapes: Outlines, scene: Scene, strengths: Array, size: int) -> dict[str, Points]:
    """Outlines on an ellipsoid, turned and projected: (frames, points, 2) in sixteenths of a pixel."""
    yaw, pitch, roll, right, down = sway(scene, strengths)[:, :, None]
    out = {}
    for name, (x, y) in shapes.items():
        z = 0.85 * np.sqrt(np.clip(1 - (x / 1.12) ** 2 - (y / 1.5) ** 2, 0, None)) + _AHEAD.get(name, 0.0)
        z = np.full_like(z, _BEHIND[name]) if name in _BEHIND else z
        x1, z1 = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
        y1 = y * np.cos(pitch) - z1 * np.sin(pitch)
        x2, y2 = x1 * np.cos(roll) - y1 * np.sin(roll), x1 * np.sin(roll) + y1 * np.cos(roll)
        at = np.stack([0.5 + scene.scale * (x2 + right), 0.53 + scene.scale * (y2 + down)], axis=-1)
        out[name] = np.rint(at * size * (1 << _SHIFT)).astype(np.int32)
    return out


def _background(scene: Scene, size: int) -> Pixels:
    """A gradient with soft blobs, out of focus."""
    grid = np.linspace(0, 1, size)[:, None, None]
    image = np.clip(scene.background[0] * (1 - grid) + scene.background[1] * grid, 0, 255)
    canvas = Canvas(np.repeat(image, size, axis=1).astype(np.uint8))
    for x, y, radius, *color in scene.blobs:
        at = (int(x * size), int(y * size))
        cv2.circle(canvas.image, at, int(size * (0.05 + 0.2 * radius)), [30 + 190 * c for c in color], -1)
    return np.asarray(cv2.GaussianBlur(canvas.image, (0, 0), size / 16), np.uint8)


def _light(scene: Scene, size: int) -> NDArray[np.float32]:
    """What the light multiplies every pixel with, (size, size, 3)."""
    y, x = np.mgrid[0:size, 0:size] / size - 0.5
    slope = x * np.cos(scene.light_angle) + y * np.sin(scene.light_angle)
    return np.asarray((1 + scene.light_slope * slope)[..., None] * scene.tint, np.float32)


def _mix(a: Color, b: Color, share: float) -> Color:
    return a + (b - a) * min(max(share, 0.0), 1.0)


class Painter:
    """Draws one person frame by frame; colours are mixed once."""

    def __init__(self, person: Person, scene: Scene, size: int) -> None:
        self.person, self.scene, self.unit = person, scene, size * scene.scale / 35
        skin = person.skin
        self.skin, self.dark = skin, skin * np.array([0.5, 0.42, 0.4])
        self.lip = _mix(skin * np.array([0.86, 0.56, 0.56]), np.array([170.0, 60, 70]), 0.25)
        self.white = np.array([240.0, 240, 236])
        self.ink = np.array([30.0, 22, 22])

    def paint(self, canvas: Canvas, at: dict[str, Points], strength: Array) -> None:
        """Draw the frame whose outlines are `at` and whose actions are `strength`, (actions,)."""
        amount = {name: float(strength[i]) for name, i in INDEX.items()}
        self._head(canvas, at)
        self._skin_folds(canvas, at, amount)
        for side in ("left", "right"):
            self._eye(canvas, at, side)
        self._nose(canvas, at)
        self._mouth(canvas, at)
        if self.person.haircut != "bald":
            canvas.fill(at["hair-front"], self.person.hair)
        if self.person.glasses:
            self._glasses(canvas, at)

    def _head(self, canvas: Canvas, at: dict[str, Points]) -> None:
        size = canvas.image.shape[0] << _SHIFT
        x, y = at["face"][14]
        reach = int(size * 0.48)
        body = np.array(
            [[x - reach, size], [x - reach // 2, y], [x + reach // 2, y], [x + reach, size]], np.int32
        )
        if self.person.haircut != "bald":
            canvas.fill(at["hair-back"], self.person.hair * 0.8)
        canvas.fill(body, self.scene.clothes)
        neck = int(0.42 * self.scene.scale * size)
        canvas.fill(
            np.array(
                [
                    [x - neck, y - neck],
                    [x + neck, y - neck],
                    [x + neck, y + neck // 3],
                    [x - neck, y + neck // 3],
                ],
                np.int32,
            ),
            self.skin * 0.78,
        )
        for side in ("left", "right"):
            canvas.fill(at[f"ear-{side}"], self.skin * 0.88)
        canvas.fill(at["face"], self.skin * 0.9)
        canvas.fill(at["shade"], self.skin)
        if self.person.beard:
            canvas.fill(at["face"][5:24], _mix(self.skin, self.person.hair, self.person.beard))

    def _skin_folds(self, canvas: Canvas, at: dict[str, Points], amount: dict[str, float]) -> None:
        """Lines that deepen as the skin folds: each is drawn as dark as its action is strong."""
        nose, brow = amount["nose-wrinkle"], amount["brow-lower"]
        raised = 0.5 * (amount["inner-brow-raise"] + amount["outer-brow-raise"])
        smile = max(amount["lip-corner-pull"], amount["cheek-raise"], amount["one-corner-pull"])
        for side in ("left", "right"):
            blush = _mix(self.skin, np.array([225.0, 90, 80]), 0.06 + 0.16 * amount["cheek-raise"])
            canvas.fill(at[f"cheek-{side}"], blush)
            self._fold(canvas, at[f"fold-{side}"], 0.15 + 0.6 * max(smile, nose, amount["upper-lip-raise"]))
            self._fold(
                canvas, at[f"bag-{side}"], 0.1 + 0.5 * max(amount["cheek-raise"], amount["lid-tighten"])
            )
            self._fold(canvas, at[f"furrow-{side}"], 0.9 * brow)
        for i in range(3):
            self._fold(canvas, at[f"wrinkle-{i}"], 0.8 * nose)
        for i in range(2):
            self._fold(canvas, at[f"forehead-{i}"], 0.6 * raised)
        self._fold(canvas, at["chin"], 0.1 + 0.7 * amount["chin-raise"])

    def _fold(self, canvas: Canvas, points: Points, depth: float) -> None:
        if depth > 0.05:
            canvas.line(points, _mix(self.skin, self.dark, depth), self.unit)

    def _eye(self, canvas: Canvas, at: dict[str, Points], side: str) -> None:
        canvas.fill(at[f"eye-{side}"], self.white)
        canvas.fill(at[f"iris-{side}"], self.person.iris)
        canvas.fill(at[f"pupil-{side}"], self.ink)
        canvas.line(at[f"lid-{side}"], self.dark * 0.5, 1.6 * self.unit)
        canvas.fill(at[f"brow-{side}"], self.person.hair * 0.75)

    def _nose(self, canvas: Canvas, at: dict[str, Points]) -> None:
        canvas.line(at["nose-side"], _mix(self.skin, self.dark, 0.3), self.unit)
        canvas.line(at["nose-tip"], _mix(self.skin, self.dark, 0.6), 1.2 * self.unit)
        for side in ("left", "right"):
            canvas.fill(at[f"nostril-{side}"], self.dark * 0.7)

    def _mouth(self, canvas: Canvas, at: dict[str, Points]) -> None:
        canvas.fill(at["lips"], self.lip)
        canvas.fill(at["mouth"], np.array([70.0, 18, 24]))
        canvas.fill(at["teeth"], np.array([236.0, 232, 222]))
        canvas.line(at["seam"][[0, 1, 2]], self.lip * 0.5, self.unit)
        canvas.line(at["seam"][[-1, -2, -3]], self.lip * 0.5, self.unit)
        if np.ptp(at["mouth"][:, 1] - at["mouth"][::-1, 1]) < 3 * (1 << _SHIFT):
            canvas.line(at["seam"], self.lip * 0.5, self.unit)

    def _glasses(self, canvas: Canvas, at: dict[str, Points]) -> None:
        radius = round(0.25 * self.scene.scale * canvas.image.shape[0] * (1 << _SHIFT))
        for side in ("left", "right"):
            x, y = at[f"eye-{side}"].mean(axis=0).astype(int).tolist()
            cv2.circle(
                canvas.image, (x, y), radius, self.ink.tolist(), max(1, round(self.unit)), cv2.LINE_AA, _SHIFT
            )


def _occlude(canvas: Canvas, scene: Scene, t: float) -> None:
    """Something before the face that sways a little: a card, a ball or a strand of hair."""
    size = canvas.image.shape[0]
    x, y, turn, wide = scene.occluder_at
    drift = 0.06 * np.sin(2 * np.pi * (t + turn)), 0.06 * np.sin(2 * np.pi * (t + wide))
    center = (0.5 + scene.scale * (x + drift[0])) * size, (0.53 + scene.scale * (y + drift[1])) * size
    if scene.occluder == "card":
        box = (center, (size * (0.12 + 0.1 * wide), size * 0.16), 60 * turn - 30)
        canvas.fill(np.rint(cv2.boxPoints(box) * (1 << _SHIFT)).astype(np.int32), scene.occluder_color)
    elif scene.occluder == "ball":
        oval = (center, (size * (0.1 + 0.06 * wide), size * 0.2), 180 * turn)
        cv2.ellipse(canvas.image, oval, (0.6 * scene.occluder_color).tolist(), -1, cv2.LINE_AA)
    else:
        u = np.linspace(-0.5, 0.3, 9)
        strand = np.stack(
            [center[0] + size * (0.15 * (turn - 0.5) * u + 0.03 * np.sin(7 * u)), size * (0.5 + u)], axis=1
        )
        canvas.line(np.rint(strand * (1 << _SHIFT)).astype(np.int32), scene.occluder_color * 0.4, size / 28)


def render(person: Person, scene: Scene, strengths: Array, size: int) -> Pixels:
    """The frames of one video, RGB (frames, size, size, 3), for action strengths (frames, actions)."""
    at = project(outlines(person, strengths, scene.side), scene, strengths, size)
    painter, background, light = Painter(person, scene, size), _background(scene, size), _light(scene, size)
    rng = np.random.default_rng(scene.noise_seed)
    grain = rng.normal(0, scene.noise, (size + 32, size + 32, 3)).astype(np.int16)
    frames = np.empty((len(strengths), size, size, 3), np.uint8)
    for i, strength in enumerate(strengths):
        canvas = Canvas(background.copy())
        painter.paint(canvas, {name: points[i] for name, points in at.items()}, strength)
        if scene.occluder:
            _occlude(canvas, scene, i / len(strengths))
        # One bank of grain at random offsets looks like fresh noise and costs a twentieth of drawing it anew.
        down, right = rng.integers(0, 32, 2)
        lit = cv2.multiply(canvas.image, light, dtype=cv2.CV_8U)
        frames[i] = cv2.add(lit, grain[down : down + size, right : right + size], dtype=cv2.CV_8U)
    return frames
