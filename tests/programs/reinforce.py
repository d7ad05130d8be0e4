"""REINFORCE on a cart and pole written out here: a policy, Categorical, returns, one update an episode.

`python tests/programs/reinforce.py [EPISODES]`. Only the imports say minidl."""

import math
import sys
from collections import deque

import numpy as np

import minidl as torch
import minidl.nn as nn
import minidl.nn.functional as F
import minidl.optim as optim
from minidl.distributions import Categorical

gamma, log_interval = 0.99, 5
eps = np.finfo(np.float32).eps.item()


class CartPole:
    """The equations of motion of Barto, Sutton and Anderson (1983), Euler steps of 0.02 s."""

    def __init__(self, seed):
        self.rng = np.random.RandomState(seed)

    def reset(self):
        self.state = self.rng.uniform(-0.05, 0.05, size=4)
        return self.state.astype(np.float32), {}

    def step(self, action):
        x, v, theta, omega = self.state
        force = 10.0 if action == 1 else -10.0
        temp = (force + 0.05 * omega**2 * math.sin(theta)) / 1.1
        acc = (9.8 * math.sin(theta) - math.cos(theta) * temp) / (0.5 * (4 / 3 - 0.1 * math.cos(theta) ** 2 / 1.1))
        self.state = np.array([x + 0.02 * v, v + 0.02 * (temp - 0.05 * acc * math.cos(theta) / 1.1),
                               theta + 0.02 * omega, omega + 0.02 * acc])
        done = bool(abs(self.state[0]) > 2.4 or abs(self.state[2]) > 12 * math.pi / 180)
        return self.state.astype(np.float32), 1.0, done, False, {}


class Policy(nn.Module):
    def __init__(self):
        super(Policy, self).__init__()
        self.affine1 = nn.Linear(4, 16)
        self.dropout = nn.Dropout(p=0.0)
        self.affine2 = nn.Linear(16, 2)
        self.saved_log_probs = []
        self.rewards = []

    def forward(self, x):
        x = self.affine1(x)
        x = self.dropout(x)
        x = F.relu(x)
        action_scores = self.affine2(x)
        return F.softmax(action_scores, dim=1)


def select_action(policy, state):
    state = torch.from_numpy(state).float().unsqueeze(0)
    probs = policy(state)
    m = Categorical(probs)
    action = m.sample()
    policy.saved_log_probs.append(m.log_prob(action))
    return action.item(), m.entropy()


def finish_episode(policy, optimizer):
    R = 0
    policy_loss = []
    returns = deque()
    for r in policy.rewards[::-1]:
        R = r + gamma * R
        returns.appendleft(R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    for log_prob, R in zip(policy.saved_log_probs, returns):
        policy_loss.append(-log_prob * R)
    optimizer.zero_grad()
    policy_loss = torch.cat(policy_loss).sum()
    policy_loss.backward()
    optimizer.step()
    del policy.rewards[:]
    del policy.saved_log_probs[:]
    return policy_loss.item()


def make():
    return (Policy(),)


def train(policy, steps):
    policy.float()
    env = CartPole(543)
    optimizer = optim.Adam(policy.parameters(), lr=1e-2)
    running_reward, losses = 10, []
    for i_episode in range(steps):
        state, _ = env.reset()
        ep_reward, entropy = 0, 0
        for t in range(1, 60):  # Don't infinite loop while learning
            action, h = select_action(policy, state)
            state, reward, done, _, _ = env.step(action)
            policy.rewards.append(reward)
            ep_reward += reward
            entropy += h.item()
            if done:
                break
        running_reward = 0.05 * ep_reward + (1 - 0.05) * running_reward
        losses += [finish_episode(policy, optimizer), ep_reward, entropy]
        if i_episode % log_interval == 0:
            print("Episode {}\tLast reward: {:.2f}\tAverage reward: {:.2f}".format(
                i_episode, ep_reward, running_reward))
    return losses


if __name__ == "__main__":
    train(*make(), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 100)
